<?php
// The service provider's own metadata; what is signed and encrypted is the test's.
$variant = json_decode(file_get_contents(getenv('FOLDER') . '/variant.json'), true);
$sp = \SimpleSAML\Metadata\SAMLParser::parseFile(getenv('FOLDER') . '/sp.xml')->getMetadata20SP();
if (isset($variant['sign'])) {
    $sp['saml20.sign.response'] = $variant['sign'] !== 'assertion';
    $sp['saml20.sign.assertion'] = $variant['sign'] !== 'response';
}
$sp['assertion.encryption'] = $variant['encrypted'] ?? false;
$sp['validate.authnrequest'] = $variant['signed_requests'] ?? false;
$sp['signature.algorithm'] = 'http://www.w3.org/2001/04/xmldsig-more#' . ($variant['algorithm'] ?? 'rsa-sha256');
$metadata[$sp['entityid']] = $sp;
