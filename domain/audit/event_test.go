package audit_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
)

// The names are on the wire (contract §7): auditors' searches depend on them.
func TestTheKindsAreTheContracts(t *testing.T) {
	for got, want := range map[audit.Kind]string{
		audit.DeviceFlowStarted:       "oauth.device_flow_started",
		audit.DeviceFlowApproved:      "oauth.device_flow_approved",
		audit.DeviceFlowDenied:        "oauth.device_flow_denied",
		audit.DeviceFlowRejected:      "oauth.device_flow_rejected",
		audit.TokenMinted:             "oauth.token_minted",
		audit.TokenRotated:            "oauth.token_rotated",
		audit.TokenRevoked:            "oauth.token_revoked",
		audit.TokenExpired:            "oauth.token_expired",
		audit.DeviceCodeCrossIP:       "oauth.device_code_cross_ip_poll",
		audit.TokenFirstUsed:          "oauth.token_first_used",
		audit.LoginStarted:            "sso.login_started",
		audit.AssertionAccepted:       "sso.assertion_accepted",
		audit.LoginCompleted:          "sso.login_completed",
		audit.LoginFailed:             "sso.login_failed",
		audit.UserCodeEntered:         "sso.user_code_entered",
		audit.ConnectionAdded:         "connection.added",
		audit.ConnectionEdited:        "connection.edited",
		audit.ConnectionRemoved:       "connection.removed",
		audit.ConnectionShadowed:      "connection.shadowed",
		audit.ResponseRevealed:        "saml.response_revealed",
		audit.ConnectionShadowDropped: "connection.shadow_dropped",
		audit.MetadataChanged:         "connection.metadata_changed",
		audit.MetadataRefused:         "connection.metadata_refused",
	} {
		if string(got) != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestAnEventBeginsWithWhatIsKnown(t *testing.T) {
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	origin := request.Origin{ID: "r-1", IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "difyctl/1"}
	by := audit.ClientOf("difyctl")
	a, b := audit.New(audit.TokenMinted, by, at, origin), audit.New(audit.TokenMinted, by, at, origin)
	if a.Kind != audit.TokenMinted || a.Actor != (audit.Actor{Kind: audit.Client, Name: "difyctl"}) || !a.At.Equal(at) || a.Origin != origin || a.ID.IsZero() || a.ID == b.ID {
		t.Errorf("got %+v, then %+v, want the same event with another id", a, b)
	}
}
