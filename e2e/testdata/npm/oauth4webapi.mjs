// A whole life of a token by npm oauth4webapi.
import * as oauth from "oauth4webapi";

const { ISSUER, CLIENT_ID, API_ID, API_SECRET } = process.env;
const local = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(ISSUER);
const client = { client_id: CLIENT_ID };
const api = { client_id: API_ID };

const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...local }));
const introspect = async (token) =>
  oauth.processIntrospectionResponse(as, api, await oauth.introspectionRequest(as, api, oauth.ClientSecretPost(API_SECRET), token, local));

const started = await oauth.processDeviceAuthorizationResponse(
  as, client, await oauth.deviceAuthorizationRequest(as, client, oauth.None(), { scope: "apps:run" }, local));
console.log(started.verification_uri_complete);
let token;
while (!token) {
  await new Promise((done) => setTimeout(done, started.interval * 1000));
  try {
    token = await oauth.processDeviceCodeResponse(
      as, client, await oauth.deviceCodeGrantRequest(as, client, oauth.None(), started.device_code, local));
  } catch (e) {
    if (e.error !== "authorization_pending" && e.error !== "slow_down") throw e;
  }
}
console.log(JSON.stringify({ scope: token.scope, type: token.token_type }));
console.log(JSON.stringify(await introspect(token.access_token)));
await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, oauth.None(), token.access_token, local));
console.log(JSON.stringify(await introspect(token.access_token)));
