# A whole life of a token by Authlib, which sends id and secret by Basic as they are.
import json, os, time
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

issuer = os.environ["ISSUER"]
device_code_grant = "urn:ietf:params:oauth:grant-type:device_code"

client = OAuth2Session(os.environ["CLIENT_ID"], scope="apps:run", token_endpoint_auth_method="none",
                       revocation_endpoint_auth_method="none")
metadata = client.get(issuer + "/.well-known/oauth-authorization-server", withhold_token=True).json()
started = client.post(metadata["device_authorization_endpoint"], withhold_token=True,
                      data={"client_id": client.client_id, "scope": "apps:run"}).json()
print(started["verification_uri_complete"], flush=True)
while True:
    try:
        token = client.fetch_token(metadata["token_endpoint"], grant_type=device_code_grant, device_code=started["device_code"])
        break
    except OAuthError as problem:
        if problem.error not in ("authorization_pending", "slow_down"):
            raise
        time.sleep(started["interval"])
print(json.dumps({"scope": token["scope"], "type": token["token_type"].lower()}, separators=(",", ":")))

api = OAuth2Session(os.environ["API_ID"], os.environ["API_SECRET"])


def introspect():
    answer = api.introspect_token(metadata["introspection_endpoint"], token=token["access_token"], token_type_hint="access_token")
    print(json.dumps(answer.json(), separators=(",", ":")))


introspect()
client.revoke_token(metadata["revocation_endpoint"], token=token["access_token"], token_type_hint="access_token").raise_for_status()
introspect()
