# A whole life of a token by requests-oauthlib, which authenticates a public
# client by Basic with an empty secret.
import json, os, time
from oauthlib.oauth2 import OAuth2Error
from oauthlib.oauth2.rfc8628.clients import DeviceClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

issuer = os.environ["ISSUER"]
client = DeviceClient(os.environ["CLIENT_ID"], scope=["apps:run"])
session = OAuth2Session(client=client)
metadata = session.get(issuer + "/.well-known/oauth-authorization-server").json()
started = session.post(metadata["device_authorization_endpoint"], data={"client_id": client.client_id, "scope": "apps:run"}).json()
print(started["verification_uri_complete"], flush=True)
while True:
    try:
        token = session.fetch_token(metadata["token_endpoint"], device_code=started["device_code"])
        break
    except OAuth2Error as problem:
        if problem.error not in ("authorization_pending", "slow_down"):
            raise
        time.sleep(started["interval"])
print(json.dumps({"scope": " ".join(token["scope"]), "type": token["token_type"].lower()}, separators=(",", ":")))


def introspect():
    answer = session.post(metadata["introspection_endpoint"], data={"token": token["access_token"]}, withhold_token=True,
                          auth=HTTPBasicAuth(os.environ["API_ID"], os.environ["API_SECRET"]))
    print(json.dumps(answer.json(), separators=(",", ":")))


introspect()
url, headers, body = client.prepare_token_revocation_request(metadata["revocation_endpoint"], token["access_token"])
session.post(url, headers=headers, data=body, withhold_token=True).raise_for_status()
introspect()
