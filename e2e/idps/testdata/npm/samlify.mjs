// The npm package samlify as an identity provider. Its own response has no
// AuthnStatement, which SAML requires and we refuse to do without, so the template
// is one.
import { randomUUID } from 'node:crypto';
import samlify from 'samlify';
import { file, provider, serve, url, variant } from './login.mjs';

samlify.setSchemaValidator({ validate: async () => 'not validated' });

const statement = '<saml:AuthnStatement AuthnInstant="{IssueInstant}" SessionIndex="{ID}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>';
const template = samlify.SamlLib.defaultLoginResponseTemplate.context.replace('{AuthnStatement}', statement);
const unspecified = 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified';

function parties() {
  const { sign, encrypted, order } = variant();
  const sp = provider();
  const idp = samlify.IdentityProvider({
    entityID: `${url}/metadata`, signingCert: file('idp.crt'), privateKey: file('idp.key'), nameIDFormat: [unspecified],
    isAssertionEncrypted: encrypted, messageSigningOrder: order ?? 'sign-then-encrypt', requestSignatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    singleSignOnService: ['redirect', 'post'].map((binding) => ({ Binding: samlify.Constants.namespace.binding[binding], Location: `${url}/sso` })),
    loginResponseTemplate: { context: template, attributes: [{ name: 'mail', valueTag: 'mail', nameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic', valueXsiType: 'xs:string' }] },
  });
  return [idp, samlify.ServiceProvider({
    metadata: sp.text, wantMessageSigned: sign !== 'assertion', wantAssertionsSigned: sign !== 'response',
  }), sp];
}

const fill = (idp, sp, request, person) => (text) => {
  const id = `_${randomUUID()}`;
  const now = new Date();
  const later = new Date(now.getTime() + 300_000).toISOString();
  return {
    id,
    context: samlify.SamlLib.replaceTagsByValue(text, {
      ID: id, AssertionID: `_${randomUUID()}`, Destination: sp.acs, Audience: sp.entityID, EntityID: sp.entityID, SubjectRecipient: sp.acs,
      Issuer: idp.entityMeta.getEntityID(), IssueInstant: now.toISOString(), AssertionConsumerServiceURL: sp.acs,
      StatusCode: 'urn:oasis:names:tc:SAML:2.0:status:Success', ConditionsNotBefore: now.toISOString(), ConditionsNotOnOrAfter: later,
      SubjectConfirmationDataNotOnOrAfter: later, NameIDFormat: unspecified, NameID: person.uid, InResponseTo: request.extract.request.id, attrMail: person.mail ?? '',
    }),
  };
};

serve(
  (req, res) => res.end(parties()[0].getMetadata()),
  async (req, res, person) => {
    const [idp, peer, sp] = parties();
    const request = await idp.parseLoginRequest(peer, 'redirect', req);
    const { context } = await idp.createLoginResponse(peer, request, 'post', person, fill(idp, sp, request, person), variant().order === 'encrypt-then-sign', req.query.RelayState);
    res.end(`<form method="post" action="${sp.acs}"><input type="hidden" name="SAMLResponse" value="${context}"><input type="hidden" name="RelayState" value="${req.query.RelayState}"></form>`);
  },
);
