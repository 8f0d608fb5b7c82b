"""pysaml2 as an identity provider, in a folder that has sp.xml, idp.key, idp.crt and
variant.json; URL is where it is reached."""
import html
import http.server
import json
import os
import traceback
import urllib.parse

import saml2.entity
import saml2.sigver
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_UNSPECIFIED, NameID
from saml2.server import Server
from saml2.sigver import verify_redirect_signature

URL = os.environ["URL"]
PEOPLE = {
    "alice": {"uid": ["alice"], "mail": ["alice@example.com"], "displayName": ["Alice Ärlig <&\"'>"], "eduPersonAffiliation": ["staff", "eng & ops"]},
    "nomail": {"uid": ["nomail"], "displayName": ["No Mail"]},
}
with open("variant.json") as text:
    VARIANT = json.load(text)

# It always asks for 3DES, which we refuse: the algorithm has to be put in its place.
CIPHERS = {"aes256-cbc": ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", "aes-256"), "aes128-gcm": ("http://www.w3.org/2009/xmlenc11#aes128-gcm", "aes-128")}
CIPHER, KEY = CIPHERS[VARIANT.get("cipher", "aes256-cbc")]
template, encrypt = saml2.sigver.pre_encryption_part, saml2.sigver.CryptoBackendXmlSec1.encrypt_assertion
saml2.entity.pre_encryption_part = lambda **given: template(msg_enc=CIPHER, **given)
saml2.sigver.CryptoBackendXmlSec1.encrypt_assertion = lambda self, statement, key, text, _="", *more, **given: encrypt(self, statement, key, text, KEY, *more, **given)

CONFIG = IdPConfig().load({
    "entityid": URL + "/metadata",
    "service": {"idp": {
        "endpoints": {"single_sign_on_service": [(URL + "/sso", BINDING_HTTP_REDIRECT)]},
        "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None, "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}},
        "name_id_format": [NAMEID_FORMAT_UNSPECIFIED],
    }},
    "key_file": "idp.key", "cert_file": "idp.crt", "xmlsec_binary": "/usr/bin/xmlsec1", "metadata": {"local": ["sp.xml"]}, "delete_tmpfiles": True,
})
IDP = Server(config=CONFIG)


class Handler(http.server.BaseHTTPRequestHandler):
    def page(self, text, status=200):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        if self.path == "/metadata":
            return self.page(str(entity_descriptor(CONFIG)))
        return self.page('<form method="post" action="%s"><input name="user"><input name="password" type="password"></form>' % html.escape(self.path))

    def do_POST(self):
        try:
            self.respond()
        except Exception:  # the test shows the page
            self.page(html.escape(traceback.format_exc()), 500)

    def respond(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        person = dict(urllib.parse.parse_qsl(body))["user"]
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        request = IDP.parse_authn_request(asked["SAMLRequest"], BINDING_HTTP_REDIRECT)
        if VARIANT.get("signed_requests"):
            keys = IDP.metadata.certs(request.message.issuer.text, "any", "signing")
            if not any(verify_redirect_signature(dict(asked), IDP.sec.sec_backend, key) for key in keys):
                return self.page("<h1>The request is not signed</h1>", 403)
        sign, encrypted = VARIANT.get("sign", "both"), VARIANT.get("encrypted", False)
        args = IDP.response_args(request.message)
        response = IDP.create_authn_response(
            PEOPLE[person], userid=person, name_id=NameID(format=NAMEID_FORMAT_UNSPECIFIED, text=person), authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"},
            sign_response=sign != "assertion", sign_assertion=sign != "response", encrypt_assertion=encrypted, encrypt_assertion_self_contained=encrypted,
            sign_alg="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", digest_alg="http://www.w3.org/2001/04/xmlenc#sha256", **args)
        self.page(IDP.apply_binding(BINDING_HTTP_POST, str(response), args["destination"], asked.get("RelayState", ""), response=True)["data"])


http.server.ThreadingHTTPServer(("127.0.0.1", int(URL.rsplit(":", 1)[1])), Handler).serve_forever()
