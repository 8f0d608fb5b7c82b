# The library Lasso as an identity provider: run by plackup in a folder that has
# sp.xml, idp.key, idp.crt and variant.json; URL is where it is reached.
use strict;
use warnings;
use JSON qw(decode_json);
use Lasso;
use Plack::Request;
use POSIX qw(strftime);

sub text {
    my ($name) = @_;
    open my $file, '<', $name or die "$name: $!";
    local $/;
    return <$file>;
}

my $variant = decode_json( text('variant.json') );
my %mail = ( alice => 'alice@example.com', nomail => undef );
my $certificate = join '', grep { !/-----/ } split /\n/, text('idp.crt');
my $metadata = <<"XML";
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="$ENV{URL}/metadata">
<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>$certificate</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="$ENV{URL}/sso"/>
</IDPSSODescriptor></EntityDescriptor>
XML

my $server = Lasso::Server::new_from_buffers( $metadata, text('idp.key'), undef, text('idp.crt') );
$server->signature_method(Lasso::Constants::SIGNATURE_METHOD_RSA_SHA256);
Lasso::Server::add_provider_from_buffer( $server, Lasso::Constants::PROVIDER_ROLE_SP, text('sp.xml'), undef, undef );
my ($sp) = text('sp.xml') =~ /entityID="([^"]+)"/;
Lasso::Provider::set_encryption_mode( Lasso::Server::get_provider( $server, $sp ),
    $variant->{encrypted} ? Lasso::Constants::ENCRYPTION_MODE_ASSERTION : Lasso::Constants::ENCRYPTION_MODE_NONE );

sub instant { return strftime( '%Y-%m-%dT%H:%M:%SZ', gmtime $_[0] ) }

sub respond {
    my ( $request, $person ) = @_;
    my $login = Lasso::Login->new($server);
    $login->process_authn_request_msg( $request->env->{QUERY_STRING} );
    $login->validate_request_msg( 1, 1 );
    my $now = time;
    $login->build_assertion( 'urn:oasis:names:tc:SAML:2.0:ac:classes:Password', instant($now), instant( $now + 3600 ), instant( $now - 60 ), instant( $now + 300 ) );

    my ($assertion) = $login->response->Assertion;
    my $name = Lasso::Saml2NameID->new;
    $name->Format('urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified');
    $name->content($person);
    $assertion->set_subject_name_id($name);
    $assertion->set_basic_conditions( 60, 300, 0 );
    if ( defined $mail{$person} ) {
        my $content = Lasso::MiscTextNode->new;
        $content->text_child(1);
        $content->content( $mail{$person} );
        my $value = Lasso::Saml2AttributeValue->new;
        $value->any($content);
        my $attribute = Lasso::Saml2Attribute->new;
        $attribute->Name('urn:oid:0.9.2342.19200300.100.1.3');
        $attribute->NameFormat('urn:oasis:names:tc:SAML:2.0:attrname-format:uri');
        $attribute->FriendlyName('mail');
        $attribute->AttributeValue($value);
        my $statement = Lasso::Saml2AttributeStatement->new;
        $statement->Attribute($attribute);
        $assertion->AttributeStatement($statement);
    }
    $login->build_authn_response_msg;
    my $relay = $request->query_parameters->get('RelayState');
    return sprintf '<form method="post" action="%s"><input type="hidden" name="SAMLResponse" value="%s"><input type="hidden" name="RelayState" value="%s"></form>',
        $login->msg_url, $login->msg_body, $relay;
}

sub {
    my $request = Plack::Request->new(shift);
    return [ 200, [ 'Content-Type' => 'text/xml' ], [$metadata] ] if $request->path eq '/metadata';
    my $page = '<form method="post" action="#"><input name="user"><input name="password" type="password"></form>';
    if ( $request->method eq 'POST' ) {
        $page = eval { respond( $request, $request->body_parameters->get('user') ) } // "<h1>The identity provider refuses this</h1><p>$@</p>";
    }
    return [ 200, [ 'Content-Type' => 'text/html' ], [$page] ];
};
