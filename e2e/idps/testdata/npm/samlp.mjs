// The npm package samlp, on which Auth0 is built, as an identity provider.
import { X509Certificate } from 'node:crypto';
import samlp from 'samlp';
import { file, provider, serve, url, variant } from './login.mjs';

const issuer = `${url}/metadata`;
const names = {
  friendly: { mail: 'mail', displayName: 'displayName', groups: 'groups' },
  claims: {
    mail: 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
    displayName: 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name',
    groups: 'http://schemas.xmlsoap.org/claims/Group',
  },
};

function profile(person) {
  const attributes = names[variant().attributes ?? 'friendly'];
  return {
    getClaims: () => Object.fromEntries(Object.entries(attributes).filter(([key]) => key in person).map(([key, name]) => [name, person[key]])),
    getNameIdentifier: () => ({ nameIdentifier: person.uid, nameIdentifierFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified' }),
  };
}
profile.prototype.metadata = [];

serve(
  (req, res) => samlp.metadata({ issuer, cert: file('idp.crt'), profileMapper: profile, redirectEndpointPath: '/sso', postEndpointPath: '/sso' })(req, res),
  (req, res, person) => {
    const { sign, encrypted, signed_requests: checked } = variant();
    const sp = provider();
    req.user = person;
    req.method = 'GET'; // the request came by the address
    req.originalUrl = req.url;
    const options = {
      issuer, cert: file('idp.crt'), key: file('idp.key'), recipient: sp.acs, destination: sp.acs, lifetimeInSeconds: 300,
      getPostURL: (audience, domain, request, done) => done(null, audience === sp.entityID ? sp.acs : null),
      profileMapper: profile, authnContextClassRef: 'urn:oasis:names:tc:SAML:2.0:ac:classes:Password',
      signatureAlgorithm: 'rsa-sha256', digestAlgorithm: 'sha256',
    };
    if (sign) Object.assign(options, { signResponse: sign !== 'assertion', signAssertion: sign !== 'response' }); // else as it does by itself
    if (checked) options.signingCert = sp.certificate;
    if (encrypted) {
      options.encryptionCert = sp.certificate;
      options.encryptionPublicKey = new X509Certificate(sp.certificate).publicKey.export({ type: 'spki', format: 'pem' });
    }
    samlp.auth(options)(req, res, (problem) => {
      console.error(problem);
      res.statusCode = 400;
      res.end('<h1>The identity provider refuses this</h1>');
    });
  },
);
