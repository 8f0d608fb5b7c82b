package application

import (
	"math"

	"github.com/devicegate/devicegate/domain/fault"
)

// ErrInvalidPage says that a page was asked for that there cannot be.
var ErrInvalidPage = fault.New(fault.Unprocessable, "invalid_param", "page counts from 1, and limit from 1 to 200.")

// Page is a part of a list: numbered from 1, of 1 to 200 entries.
type Page struct{ number, limit int }

// NewPage returns [ErrInvalidPage].
func NewPage(number, limit int) (Page, error) {
	if number < 1 || limit < 1 || limit > 200 {
		return Page{}, ErrInvalidPage
	}
	return Page{number, limit}, nil
}

// Number counts from 1.
func (p Page) Number() int { return p.number }

// Limit is how many entries the page has at most.
func (p Page) Limit() int { return p.limit }

// offset counts the entries before the page. It ends where no list does, so that it
// does not overflow: a page behind the last one is empty.
func (p Page) offset() int {
	before := p.number - 1
	if before > math.MaxInt32/p.limit {
		return math.MaxInt32
	}
	return before * p.limit
}
