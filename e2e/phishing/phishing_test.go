package phishing

import "testing"

// TestCampaigns plays every campaign against every preset.
func TestCampaigns(t *testing.T) {
	many, each := 4, 1
	if *whole {
		many, each = *victims, *honest
	}
	for _, preset := range presets {
		playAll(t, preset, campaigns, many, each)
	}
}

// playAll plays campaigns against a preset, and checks and prints what came of them
// and of the honest logins between.
//
// The race detector, under which a campaign takes many times as long, sees the same
// code in each: it gets every fourth. CI plays all without it ("phishing" in .ci/run).
func playAll(t *testing.T, preset string, all []campaign, many, each int) {
	share := 1
	if raceDetector && !*whole {
		share = 4
	}
	t.Run(preset, func(t *testing.T) {
		results, together := make([]result, len(all)), map[string]tally{}
		t.Run("campaigns", func(t *testing.T) {
			for i, c := range all {
				if i%share != 0 {
					continue
				}
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					others := newCrowd(each, i*each*many)
					if *again {
						others.again(*past)
					}
					results[i] = c.play(serve(t, preset), many, others, *past)
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
			printCampaigns(t.Output(), preset, all, results)
			printHonest(t.Output(), preset, together)
		}
	})
}

// A campaign of many networks is noticed by the third victim on a later day, too, and
// people who come again are not hindered by it.
func TestTheSecondDay(t *testing.T) {
	const before = 24
	for i, c := range campaigns {
		if c.from(0) == c.from(1) { // in one network, which notices it
			continue
		}
		if raceDetector && i%4 != 0 { // as playAll does
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := c.play(serve(t, "default"), 4, newCrowd(6, 0).again(before), before)
			c.check(t, "default", r)
			checkHonest(t, "default", r.honest)
			for kind, n := range r.honest {
				if n.hindered != 0 {
					t.Errorf("%s: got %d of %d people hindered, want none", kind, n.hindered, n.logins)
				}
			}
		})
	}
}
