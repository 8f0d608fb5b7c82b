package enterprise

import "go.uber.org/fx"

// Module provides [*Broker] and [*Edition] for a [Config]. Which of them an
// installation uses is for whoever wires it to say.
var Module = fx.Module("enterprise", fx.Provide(NewBroker, NewEdition))
