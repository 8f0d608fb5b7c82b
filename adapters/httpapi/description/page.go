package description

import "html/template"

const style = `body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
h2{margin-top:2.5rem}h3{font-size:1rem;margin:1.5rem 0 .25rem}code,pre{font:.875rem/1.4 ui-monospace,monospace}
pre{background:#f3f3f3;padding:.75rem;overflow:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-top:1px solid #ddd}
p{margin:.25rem 0;white-space:pre-line}
@media (prefers-color-scheme:dark){body{color:#eee;background:#161616}pre{background:#262626}th,td{border-color:#444}a{color:#8cf}}`

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{.Title}}: API</title><style>{{.Style}}</style></head><body>
<h1>{{.Title}}</h1><p>{{.Description}}</p>
<p>Server: <code>{{.Server}}</code>. For programs: <a href="openapi.json">openapi.json</a>.</p>
<nav><ul>{{range .Groups}}<li><a href="#{{.Name}}">{{.Name}}</a> {{.Description}}</li>{{end}}<li><a href="#schemas">schemas</a></li></ul></nav>
{{range .Groups}}<section><h2 id="{{.Name}}">{{.Name}}</h2><p>{{.Description}}</p>
{{range .Operations}}<h3><code>{{.Method}} {{.Path}}</code>{{if .Deprecated}} (deprecated){{end}}</h3>
<p>{{.Summary}}</p>{{with .Description}}<p>{{.}}</p>{{end}}
<table>{{range .Parameters}}<tr><th scope="row"><code>{{.Name}}</code></th><td>{{.In}}{{if .Required}}, required{{end}}</td><td>{{.Description}}</td></tr>
{{end}}{{range .Bodies}}<tr><th scope="row">body</th><td>{{.Media}}</td><td>{{template "schema" .}}</td></tr>
{{end}}{{range .Responses}}<tr><th scope="row">{{.Status}}</th><td>{{.Description}}</td><td>{{range .Bodies}}{{.Media}} {{template "schema" .}} {{end}}</td></tr>
{{end}}</table>
{{end}}</section>
{{end}}<h2 id="schemas">schemas</h2>
{{range .Schemas}}<h3 id="schema-{{.Name}}">{{.Name}}</h3><pre>{{.Text}}</pre>
{{end}}</body></html>
{{define "schema"}}{{if .Name}}<a href="#schema-{{.Name}}">{{.Name}}</a>{{else if .Schema}}<pre>{{.Schema}}</pre>{{end}}{{end}}`))
