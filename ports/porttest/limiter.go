package porttest

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/ports"
)

// LimiterUnderTest is an adapter and what a test must be able to do with it.
type LimiterUnderTest struct {
	ports.Limiter
	Advance func(time.Duration) // lets time go by
	Kept    func() int          // counts windows, and things in windows
}

// Limiter tests a [ports.Limiter]. Open returns one for this test alone; it
// is called once for each subtest.
func Limiter(t *testing.T, open func(t *testing.T) LimiterUnderTest) {
	const almost = time.Minute
	limit := quota.Limit{Name: "contract", Max: 3, Per: time.Hour}

	type take func(t *testing.T, l LimiterUnderTest, key, thing string) quota.Allowance
	must := func(t *testing.T, a quota.Allowance, err error) quota.Allowance {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if a.Limit != limit || a.Reset <= 0 || a.Reset > limit.Per {
			t.Errorf("got %+v, want an allowance of %+v that is reset within %s", a, limit, limit.Per)
		}
		return a
	}
	taking := func(t *testing.T, l LimiterUnderTest, key, _ string) quota.Allowance {
		t.Helper()
		a, err := l.Take(t.Context(), limit, key)
		return must(t, a, err)
	}
	takingDistinct := func(t *testing.T, l LimiterUnderTest, key, thing string) quota.Allowance {
		t.Helper()
		a, err := l.TakeDistinct(t.Context(), limit, key, thing)
		return must(t, a, err)
	}
	batching := func(call ports.LimiterCall) take {
		return func(t *testing.T, l LimiterUnderTest, key, thing string) quota.Allowance {
			t.Helper()
			all, err := l.Batch(t.Context(), ports.LimiterStep{Call: call, Limit: limit, Key: key, Thing: thing})
			if err != nil || len(all) != 1 {
				t.Fatalf("got %v, %v, want one allowance", all, err)
			}
			return must(t, all[0], nil)
		}
	}
	left := func(t *testing.T, l LimiterUnderTest, key string) quota.Allowance {
		t.Helper()
		a, err := l.Peek(t.Context(), limit, key)
		return must(t, a, err)
	}
	expect := func(t *testing.T, a quota.Allowance, remaining int, exceeded bool) {
		t.Helper()
		if a.Remaining != remaining || a.Exceeded != exceeded {
			t.Errorf("got %d remaining, exceeded %v; want %d, %v", a.Remaining, a.Exceeded, remaining, exceeded)
		}
	}

	for name, take := range map[string]take{
		"tries": taking, "distinct tries": takingDistinct,
		"batched tries": batching(ports.Take), "batched distinct tries": batching(ports.TakeDistinct),
	} {
		things := func() func() string {
			n := 0
			return func() string { n++; return strings.Repeat("x", n) }
		}

		t.Run(name+" beyond the limit are exceeded, until the window ends", func(t *testing.T) {
			l, key, thing := open(t), aKey(), things()
			for remaining := limit.Max - 1; remaining >= 0; remaining-- {
				expect(t, take(t, l, key, thing()), remaining, false)
			}
			expect(t, take(t, l, key, thing()), 0, true)
			l.Advance(limit.Per - almost)
			a := take(t, l, key, thing())
			expect(t, a, 0, true)
			if a.Reset > almost {
				t.Errorf("got a window that ends in %s, want %s at most", a.Reset, almost)
			}
			l.Advance(almost)
			expect(t, take(t, l, key, thing()), limit.Max-1, false)
		})

		t.Run(name+" by one key leave others alone", func(t *testing.T) {
			l, key, thing := open(t), aKey(), things()
			for range limit.Max + 1 {
				take(t, l, key, thing())
			}
			expect(t, take(t, l, key+":", thing()), limit.Max-1, false)
			expect(t, take(t, l, "{"+key+"}", thing()), limit.Max-1, false)
			expect(t, take(t, l, key+"\n\x00\xff", thing()), limit.Max-1, false)
			a, err := l.Take(t.Context(), quota.Limit{Name: "another", Max: 3, Per: time.Hour}, key)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, a, limit.Max-1, false)
		})

		t.Run("looking at what is left of "+name+" counts nothing", func(t *testing.T) {
			l, key, thing := open(t), aKey(), things()
			before := l.Kept()
			for range 2 * limit.Max {
				expect(t, left(t, l, key), limit.Max, false)
			}
			if kept := l.Kept(); kept != before {
				t.Errorf("got %d entries kept, want %d", kept, before)
			}
			take(t, l, key, thing())
			for range 2 * limit.Max {
				expect(t, left(t, l, key), limit.Max-1, false)
			}
			take(t, l, key, thing())
			take(t, l, key, thing())
			expect(t, left(t, l, key), 0, true)
			take(t, l, key, thing())
			expect(t, left(t, l, key), 0, true)
			l.Advance(limit.Per)
			expect(t, left(t, l, key), limit.Max, false)
		})

		t.Run("of many "+name+" at once no more than the limit get through", func(t *testing.T) {
			l := open(t)
			for range 20 {
				key := aKey()
				var through atomic.Int32
				together(30, func(i int) {
					if a := take(t, l, key, strings.Repeat("x", i)); !a.Exceeded {
						through.Add(1)
					}
				})
				if n := through.Load(); n != int32(limit.Max) {
					t.Fatalf("got %d tries of 30 allowed, want %d", n, limit.Max)
				}
			}
		})
	}

	t.Run("a repetition counts once and is never exceeded", func(t *testing.T) {
		l, key := open(t), aKey()
		for range 10 * limit.Max {
			expect(t, takingDistinct(t, l, key, "one"), limit.Max-1, false)
		}
		takingDistinct(t, l, key, "two")
		takingDistinct(t, l, key, "three")
		expect(t, takingDistinct(t, l, key, "four"), 0, true)
		expect(t, takingDistinct(t, l, key, "four"), 0, true)
		expect(t, takingDistinct(t, l, key, "one"), 0, false)
		l.Advance(limit.Per)
		expect(t, takingDistinct(t, l, key, "four"), limit.Max-1, false)
	})

	t.Run("what is beyond the limit is not kept", func(t *testing.T) {
		l, key := open(t), aKey()
		before := l.Kept()
		for i := range 100 {
			takingDistinct(t, l, key, strings.Repeat("x", i))
		}
		if kept := l.Kept() - before; kept > limit.Max+1 {
			t.Errorf("got %d entries kept, want %d at most", kept, limit.Max+1)
		}
	})

	t.Run("a batch performs every step in its order", func(t *testing.T) {
		l, full, free := open(t), aKey(), aKey()
		for range limit.Max {
			taking(t, l, full, "")
		}
		all, err := l.Batch(t.Context(),
			ports.LimiterStep{Call: ports.Take, Limit: limit, Key: full},
			ports.LimiterStep{Call: ports.Take, Limit: limit, Key: free},
			ports.LimiterStep{Call: ports.Take, Limit: quota.Limit{Name: "off", Per: time.Hour}, Key: free},
			ports.LimiterStep{Call: ports.Peek, Limit: limit, Key: free},
			ports.LimiterStep{Call: ports.Peek, Limit: limit, Key: full},
			ports.LimiterStep{Call: ports.TakeDistinct, Limit: limit, Key: free + "d", Thing: "one"},
			ports.LimiterStep{Call: ports.TakeDistinct, Limit: limit, Key: free + "d", Thing: "one"},
		)
		if err != nil || len(all) != 7 {
			t.Fatalf("got %v, %v, want 7 allowances", all, err)
		}
		expect(t, all[0], 0, true)
		expect(t, all[1], limit.Max-1, false)
		if !all[2].IsZero() || all[2].Exceeded {
			t.Errorf("got %+v, want no limit", all[2])
		}
		expect(t, all[3], limit.Max-1, false)
		expect(t, all[4], 0, true)
		expect(t, all[5], limit.Max-1, false)
		expect(t, all[6], limit.Max-1, false)
		expect(t, left(t, l, free), limit.Max-1, false)
		if none, err := l.Batch(t.Context()); err != nil || len(none) != 0 {
			t.Errorf("got %v, %v for no steps, want none", none, err)
		}
	})

	t.Run("a limit of nothing allows all and counts nothing", func(t *testing.T) {
		l, key := open(t), aKey()
		before := l.Kept()
		off := quota.Limit{Name: "off", Per: time.Hour}
		for range 10 {
			a1, err1 := l.Take(t.Context(), off, key)
			a2, err2 := l.TakeDistinct(t.Context(), off, key, "thing")
			a3, err3 := l.Peek(t.Context(), off, key)
			for _, a := range []quota.Allowance{a1, a2, a3} {
				if !a.IsZero() || a.Exceeded {
					t.Errorf("got %+v, want an allowance without a limit", a)
				}
			}
			if err1 != nil || err2 != nil || err3 != nil {
				t.Fatal(err1, err2, err3)
			}
		}
		if kept := l.Kept(); kept != before {
			t.Errorf("got %d entries kept, want %d", kept, before)
		}
	})
}
