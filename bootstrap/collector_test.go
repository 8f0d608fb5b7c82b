package bootstrap

import "testing"

func TestTheCollectorHasRoomAndNoMoreThanTwiceALargeHeap(t *testing.T) {
	for live, want := range map[uint64]int{0: 6400, 8 << 20: 800, 16 << 20: 400, 64 << 20: 100, 1 << 30: 100} {
		if got := collectorPercent(live); got != want {
			t.Errorf("%d bytes in use: got %d %%, want %d %%", live, got, want)
		}
	}
}
