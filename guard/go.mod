module github.com/devicegate/devicegate/guard

go 1.25.0

tool github.com/devicegate/devicegate/guard/internal/task
