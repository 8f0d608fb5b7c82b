package webui

import "go.uber.org/fx"

// Module provides [Pages].
var Module = fx.Module("webui", fx.Provide(New))
