package application

import (
	"github.com/devicegate/devicegate/domain/fault"
)

// ErrInvalidPage says that a page was asked for that there cannot be.
var ErrInvalidPage = fault.New(fault.Unprocessable, "invalid_param", "page counts from 1, and limit from 1 to 200.")

// Page is a part of a list: numbered from 1, of 1 to 200 entries.
type Page struct{ number, limit int }

// NewPage returns [ErrInvalidPage].
func NewPage(number, limit int) (Page, error) {
	if number < 1 || number > 1_000_000 || limit < 1 || limit > 200 {
		return Page{}, ErrInvalidPage
	}
	return Page{number, limit}, nil
}

// Number counts from 1.
func (p Page) Number() int { return p.number }

// Limit is how many entries the page has at most.
func (p Page) Limit() int { return p.limit }

func (p Page) offset() int { return (p.number - 1) * p.limit }
