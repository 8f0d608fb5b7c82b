<?php
// SimpleSAMLphp as an identity provider, served by "php -S" in a folder that has
// sp.xml, idp.key, idp.crt and variant.json; URL is where it is reached.
$folder = getenv('FOLDER');
$config = [
    'baseurlpath' => getenv('URL') . '/simplesaml/',
    'certdir' => "$folder/", 'loggingdir' => "$folder/", 'datadir' => "$folder/", 'tempdir' => "$folder/tmp", 'metadatadir' => "$folder/metadata/",
    'attributenamemapdir' => '/etc/simplesamlphp/attributemap/',
    'secretsalt' => bin2hex(hash_file('sha256', "$folder/idp.key", true)),
    'technicalcontact_name' => 'Test', 'technicalcontact_email' => 'na@example.org', 'timezone' => 'UTC', 'language.default' => 'en',
    'auth.adminpassword' => bin2hex(random_bytes(12)), 'admin.protectmetadata' => false,
    'logging.handler' => 'errorlog', 'logging.level' => 3, 'showerrors' => true, 'errorreporting' => false,
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'store.type' => 'phpsession', 'session.cookie.secure' => false, 'session.cookie.samesite' => null,
    'session.phpsession.savepath' => "$folder/tmp", 'session.phpsession.cookiename' => 'PHPSESSION',
    'metadata.sources' => [['type' => 'flatfile']],
];
