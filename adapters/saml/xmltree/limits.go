package xmltree

import "fmt"

// Limits bound what [Parse] reads.
type Limits struct {
	Bytes      int // of the document
	Depth      int // of elements in one another
	Elements   int // and other nodes
	Attributes int // of one element, declarations included
	Namespaces int // in scope at one place
}

// Error says why a text is not read.
type Error struct {
	Reason string // one word in snake case
	Detail string
	Offset int
}

func (e *Error) Error() string { return fmt.Sprintf("%s at byte %d: %s", e.Reason, e.Offset, e.Detail) }

// The reasons an [Error] can have. Malformed is every violation of XML itself.
const (
	Malformed         = "xml_malformed"
	UnknownEncoding   = "xml_encoding"
	HasDTD            = "xml_dtd"
	TextAfterRoot     = "xml_text_after_root"
	TwoRoots          = "xml_two_roots"
	TooLarge          = "xml_too_large"
	TooDeep           = "xml_too_deep"
	TooManyElements   = "xml_too_many_elements"
	TooManyAttributes = "xml_too_many_attributes"
	TooManyNamespaces = "xml_too_many_namespaces"
)
