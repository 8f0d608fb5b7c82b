<?php
$variant = json_decode(file_get_contents(getenv('FOLDER') . '/variant.json'), true);
$steps = [1 => ['class' => 'saml:AttributeNameID', 'attribute' => 'mail', 'Format' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress']];
if (isset($variant['attributes'])) {
    $steps[60] = ['class' => 'core:AttributeMap', 'name2' . $variant['attributes']];
}
$metadata[getenv('URL') . '/simplesaml/saml2/idp/metadata.php'] = [
    'host' => '__DEFAULT__', 'privatekey' => 'idp.key', 'certificate' => 'idp.crt', 'auth' => 'people', 'authproc' => $steps,
    'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:' . (isset($variant['attributes']) ? 'uri' : 'basic'),
];
