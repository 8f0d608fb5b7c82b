# LemonLDAP::NG as an identity provider: run by plackup in a folder that has
# sp.xml, idp.key and idp.crt; URL is where it is reached. It has no manager: what an
# administrator would enter there is the configuration below.
use strict;
use warnings;
use Cwd qw(getcwd);
use JSON qw(decode_json);

# The product's captcha needs GD, and is loaded also where none is shown.
BEGIN {
    package NoCaptcha;
    use Mouse;
    extends 'Lemonldap::NG::Portal::Main::Plugin';
    sub init { return 1 }
    $INC{'NoCaptcha.pm'} = __FILE__;
}

my $folder = getcwd();

sub text {
    my ($name) = @_;
    open my $file, '<', "$folder/$name" or die "$name: $!";
    local $/;
    return <$file>;
}

my $variant = decode_json( text('variant.json') );
mkdir "$folder/$_" for qw(conf sessions sessions/lock psessions psessions/lock);

my $conf = {
    cfgNum => 1, cfgVersion => '2.16.1', cfgAuthor => 'test', cfgDate => '1700000000',
    portal => "$ENV{URL}/", domain => 'idp.test', cookieName => 'lemonldap', securedCookie => 0,
    authentication => 'Demo', userDB => 'Same', passwordDB => 'Null', registerDB => 'Null',
    demoExportedVars => { uid => 'uid', cn => 'cn', mail => 'mail' },
    whatToTrace => '_user', portalSkin => 'bootstrap', requireToken => 0, portalCheckLogins => 0,
    captcha => 'NoCaptcha', tokenUseGlobalStorage => 1,
    globalStorage => 'Apache::Session::File',
    globalStorageOptions => { Directory => "$folder/sessions", LockDirectory => "$folder/sessions/lock" },
    persistentStorage => 'Apache::Session::File',
    persistentStorageOptions => { Directory => "$folder/psessions", LockDirectory => "$folder/psessions/lock" },
    issuerDBSAMLActivation => 1, issuerDBSAMLRule => 1,
    samlServicePrivateKeySig => text('idp.key'), samlServicePublicKeySig => text('idp.crt'),
    samlServiceSignatureMethod => 'RSA_SHA256', samlIDPSSODescriptorWantAuthnRequestsSigned => 0,
    locationRules => {},
    samlSPMetaDataXML => { gate => { samlSPMetaDataXML => text('sp.xml') } },
    samlSPMetaDataExportedAttributes => { gate => {
        mail => "0;$variant->{attributes};urn:oasis:names:tc:SAML:2.0:attrname-format:basic;$variant->{attributes}",
    } },
    samlSPMetaDataOptions => { gate => {
        samlSPMetaDataOptionsSignSSOMessage => -1, # as the metadata asks for
        samlSPMetaDataOptionsEncryptionMode => $variant->{encrypted} ? 'assertion' : 'none',
        samlSPMetaDataOptionsCheckSSOMessageSignature => $variant->{signed_requests} ? 1 : 0,
        samlSPMetaDataOptionsSignatureMethod => 'RSA_SHA256',
        samlSPMetaDataOptionsNotOnOrAfterTimeout => 300,
    } },
};
open my $out, '>', "$folder/conf/lmConf-1.json" or die $!;
print {$out} JSON->new->encode($conf);
close $out;

open my $ini, '>', "$folder/lemonldap-ng.ini" or die $!;
print {$ini} <<"INI";
[all]
logLevel = warn
checkTime = 600
localSessionStorage = Cache::NullCache
[configuration]
type = File
dirName = $folder/conf
localStorage = Cache::NullCache
[portal]
templateDir = /usr/share/lemonldap-ng/portal/templates
staticPrefix = /static
languages = en
INI
close $ini;
$ENV{LLNG_DEFAULTCONFFILE} = "$folder/lemonldap-ng.ini";

require Lemonldap::NG::Portal::UserDB::Demo;
%Lemonldap::NG::Portal::UserDB::Demo::demoAccounts = (
    alice  => { uid => 'alice', cn => 'Alice Example', mail => 'alice@example.com' },
    nomail => { uid => 'nomail', cn => 'No Mail' },
);
%Lemonldap::NG::Portal::UserDB::Demo::demoGroups = ();

require Lemonldap::NG::Portal::Main;
Lemonldap::NG::Portal::Main->run( {} );
