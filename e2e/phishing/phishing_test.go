package phishing

import "testing"

// TestCampaigns plays every campaign against every preset.
func TestCampaigns(t *testing.T) {
	many, each := 4, 1
	if *whole {
		many, each = *victims, *honest
	}
	for _, preset := range presets {
		t.Run(preset, func(t *testing.T) {
			results, together := make([]result, len(campaigns)), map[string]tally{}
			t.Run("campaigns", func(t *testing.T) {
				for i, c := range campaigns {
					t.Run(c.name, func(t *testing.T) {
						t.Parallel()
						results[i] = c.play(serve(t, preset), many, newCrowd(each, i*each*many))
						c.check(t, preset, results[i])
					})
				}
			})
			for _, r := range results {
				for kind, n := range r.honest {
					together[kind] = together[kind].plus(n)
				}
			}
			checkHonest(t, preset, together)
			if *whole || testing.Verbose() {
				printCampaigns(t.Output(), preset, results)
				printHonest(t.Output(), preset, together)
			}
		})
	}
}
