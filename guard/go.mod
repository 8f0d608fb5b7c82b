module github.com/devicegate/devicegate/guard

go 1.25.0
