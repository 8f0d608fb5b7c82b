// A whole life of a token by npm openid-client. Each algorithm looks for the
// metadata at another address.
import * as client from "openid-client";

const { ISSUER, CLIENT_ID, API_ID, API_SECRET } = process.env;
const local = { execute: [client.allowInsecureRequests] };
const issuer = new URL(ISSUER);

const config = await client.discovery(issuer, CLIENT_ID, undefined, client.None(), { algorithm: "oauth2", ...local });
const api = await client.discovery(issuer, API_ID, undefined, client.ClientSecretBasic(API_SECRET), { algorithm: "oidc", ...local });

const started = await client.initiateDeviceAuthorization(config, { scope: "apps:run" });
console.log(started.verification_uri_complete);
const token = await client.pollDeviceAuthorizationGrant(config, started);
console.log(JSON.stringify({ scope: token.scope, type: token.token_type }));
console.log(JSON.stringify(await client.tokenIntrospection(api, token.access_token, { token_type_hint: "access_token" })));
await client.tokenRevocation(config, token.access_token);
console.log(JSON.stringify(await client.tokenIntrospection(api, token.access_token)));
