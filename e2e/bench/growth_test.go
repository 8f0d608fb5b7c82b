package bench

import (
	"os"
	"testing"
)

// TestGrowth prints what the same operations cost as tables grow, with -measure.
func TestGrowth(t *testing.T) {
	s := set(t)
	if len(s.rows) == 0 {
		return
	}
	const connections = 16
	var table []grown
	for _, stores := range []string{onPostgres, onSQLite} {
		t.Run(stores, func(t *testing.T) {
			w := newFixture(t, stores)
			for _, size := range s.rows {
				w.seed.addCodes(size - w.seed.codes)
				w.seed.addTokens(size - w.seed.tokens)
				w.seed.settle()
				// A new process remembers no poll of the codes used before.
				w.service = startProgram(t, "service", w.env)
				for _, op := range []operation{poll(stores), verify(stores), start(stores)} {
					if !s.only.MatchString(op.name) {
						continue
					}
					op.requests = size / s.rounds
					k := &keys{op: op, block: op.limit(s.requests), blocks: size / op.limit(s.requests)}
					if op.seed == nil {
						k.first = w.addresses
						w.addresses += k.blocks * k.block
					}
					l := line{op: op, connections: connections}
					for round := range s.rounds {
						ours, least := s.round(t, w, op, k, connections, round%2 == 1)
						l.ours, l.ceiling = append(l.ours, ours), append(l.ceiling, least)
					}
					table = append(table, grown{l, size})
				}
			}
		})
	}
	printGrowth(os.Stdout, table)
}
