package deploy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/devicegate/devicegate/bootstrap/config"
)

const chart = "helm/devicegate"

// object is one Kubernetes object.
type object map[string]any

// at walks down; a number picks an element of a list.
func (o object) at(path ...any) any {
	var now any = map[string]any(o)
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := now.(map[string]any)
			now = m[s]
		case int:
			l, _ := now.([]any)
			if s >= len(l) {
				return nil
			}
			now = l[s]
		}
	}
	return now
}

// render returns the objects of the chart by the names of their files.
func render(t *testing.T, changes map[string]any) map[string]object {
	t.Helper()
	all, err := try(t, changes)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// try does for this chart what Helm does: it checks the values, and knows the
// functions that the chart uses and no other, so that a template with another one
// fails here. Its output was compared with that of Helm 3.22.
func try(t *testing.T, changes map[string]any) (map[string]object, error) {
	t.Helper()
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(read(t, chart+"/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	merge(values, changes)
	if err := checkValues(t, values); err != nil {
		return nil, err
	}
	about := map[string]any{}
	if err := yaml.Unmarshal([]byte(read(t, chart+"/Chart.yaml")), &about); err != nil {
		t.Fatal(err)
	}
	root := template.New("chart").Option("missingkey=error")
	root.Funcs(template.FuncMap{
		"include": func(name string, data any) (string, error) {
			var out bytes.Buffer
			err := root.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
		"toYaml": func(value any) (string, error) {
			text, err := yaml.MarshalWithOptions(value, yaml.IndentSequence(true))
			return strings.TrimRight(string(text), "\n"), err
		},
		"nindent": func(n int, text string) string {
			pad := strings.Repeat(" ", n)
			return "\n" + pad + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+pad)
		},
		"quote": func(value any) string { return fmt.Sprintf("%q", fmt.Sprint(value)) },
		"toJson": func(value any) (string, error) {
			text, err := json.Marshal(value)
			return string(text), err
		},
		"kindIs":    func(kind string, value any) bool { return reflect.ValueOf(value).Kind().String() == kind },
		"splitList": func(by, text string) []string { return strings.Split(text, by) },
		"has":       func(one string, all []string) bool { return slices.Contains(all, one) },
		"fail":      func(text string) (string, error) { return "", errors.New(text) },
		"default": func(fallback, value any) any {
			if value == nil || reflect.ValueOf(value).IsZero() {
				return fallback
			}
			return value
		},
	})
	files, err := filepath.Glob(chart + "/templates/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		template.Must(root.New(filepath.Base(file)).Parse(read(t, file)))
	}
	data := map[string]any{
		"Values": values, "Release": map[string]any{"Name": "gate", "Service": "Helm"},
		"Chart": map[string]any{"AppVersion": about["appVersion"]},
	}
	all := map[string]object{}
	for _, file := range files {
		if !strings.HasSuffix(file, ".yaml") {
			continue
		}
		var out bytes.Buffer
		if err := root.ExecuteTemplate(&out, filepath.Base(file), data); err != nil {
			return nil, err
		}
		if strings.TrimSpace(out.String()) == "" {
			continue
		}
		one := object{}
		if err := yaml.Unmarshal(out.Bytes(), &one); err != nil {
			t.Fatalf("%s: got %v, want YAML:\n%s", file, err, out.String())
		}
		all[strings.TrimSuffix(filepath.Base(file), ".yaml")] = one
	}
	return all, nil
}

// checkValues holds values against the schema of the chart, with the library that
// Helm uses.
func checkValues(t *testing.T, values map[string]any) error {
	t.Helper()
	compiled, err := jsonschema.NewCompiler().Compile(chart + "/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(plain)
}

func merge(into, from map[string]any) {
	for key, value := range from {
		inner, isMap := value.(map[string]any)
		if below, has := into[key].(map[string]any); isMap && has {
			merge(below, inner)
			continue
		}
		into[key] = value
	}
}

// everything turns on what is off by default.
var everything = map[string]any{
	"settings":       map[string]any{"PUBLIC_URL": "https://sso.example.com"},
	"connections":    "connections:\n  - slug: acme\n",
	"samlKeySecret":  "saml",
	"podAnnotations": map[string]any{"a": "b"}, "nodeSelector": map[string]any{"c": "d"},
	"tolerations":      []any{map[string]any{"key": "e", "operator": "Exists"}},
	"imagePullSecrets": []any{map[string]any{"name": "pull"}},
	"ingress":          map[string]any{"enabled": true, "className": "nginx", "tlsSecret": "tls", "annotations": map[string]any{"f": "g"}},
	"serviceAccount":   map[string]any{"annotations": map[string]any{"h": "i"}},
	"networkPolicy":    map[string]any{"metricsFrom": []any{map[string]any{"namespaceSelector": map[string]any{}}}},
}

func TestTheChartRendersKnownKinds(t *testing.T) {
	kinds := map[string]string{
		"Deployment": "apps/v1", "Job": "batch/v1", "Service": "v1", "ServiceAccount": "v1", "ConfigMap": "v1", "PodDisruptionBudget": "policy/v1",
		"HorizontalPodAutoscaler": "autoscaling/v2", "NetworkPolicy": "networking.k8s.io/v1", "Ingress": "networking.k8s.io/v1",
	}
	all := render(t, everything)
	if len(all) != 10 {
		t.Errorf("got %d objects, want 10", len(all))
	}
	for name, o := range all {
		if kind, _ := o["kind"].(string); kinds[kind] == "" || kinds[kind] != o["apiVersion"] {
			t.Errorf("%s: got %s of %s, want a known kind in its version", name, o["kind"], o["apiVersion"])
		}
		if o.at("metadata", "name") == nil || o.at("metadata", "labels", "app.kubernetes.io/instance") != "gate" {
			t.Errorf("%s: got metadata %v, want a name and labels", name, o["metadata"])
		}
	}
	if few := render(t, map[string]any{
		"settings":  map[string]any{"PUBLIC_URL": "https://sso.example.com"},
		"migration": map[string]any{"enabled": false}, "networkPolicy": map[string]any{"enabled": false},
		"api": map[string]any{"autoscaling": map[string]any{"enabled": false}},
	}); len(few) != 5 || few["api"].at("spec", "replicas") == nil {
		t.Errorf("with everything off: got %d objects, want 5, and replicas in the api's", len(few))
	}
}

func TestInvalidValuesAreRefused(t *testing.T) {
	https := map[string]any{"PUBLIC_URL": "https://sso.example.com"}
	for what, c := range map[string]struct {
		changes map[string]any
		want    string
	}{
		"no address":             {nil, "PUBLIC_URL"},
		"an address as a host":   {map[string]any{"settings": map[string]any{"PUBLIC_URL": "sso.example.com"}}, "PUBLIC_URL"},
		"a misspelt name":        {map[string]any{"settings": https, "setings": map[string]any{}}, "setings"},
		"a misspelt name inside": {map[string]any{"settings": https, "api": map[string]any{"replica": 3}}, "replica"},
		"a word for a number":    {map[string]any{"settings": https, "worker": map[string]any{"replicas": "two"}}, "replicas"},
		"a list as a setting":    {map[string]any{"settings": map[string]any{"PUBLIC_URL": "https://sso.example.com", "TRUSTED_PROXIES": []any{"10.0.0.0/8"}}}, "TRUSTED_PROXIES"},
		"a port that is none":    {map[string]any{"settings": https, "service": map[string]any{"port": 70000}}, "port"},
		"a secret in the clear":  {map[string]any{"settings": map[string]any{"PUBLIC_URL": "https://sso.example.com", "SMTP_URL": "smtp://u:p@mail.example.com"}}, "settings.SMTP_URL is a secret"},
	} {
		if _, err := try(t, c.changes); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error that names %s", what, err, c.want)
		}
	}
}

func TestTheChartKnowsTheSecrets(t *testing.T) {
	_, after, _ := strings.Cut(read(t, chart+"/templates/_helpers.tpl"), `{{- define "devicegate.secretNames" -}}`+"\n")
	line, _, _ := strings.Cut(after, "\n")
	var want []string
	for _, s := range (config.Variables{Values: map[string]string{}}).Effective() {
		if s.Secret {
			want = append(want, s.Name)
		}
	}
	slices.Sort(want)
	if got := strings.Fields(line); !slices.Equal(got, want) {
		t.Errorf("got the secrets %v, want %v", got, want)
	}
}

func TestNumbersOfSettingsKeepTheirDigits(t *testing.T) {
	env, _ := render(t, map[string]any{"settings": map[string]any{"PUBLIC_URL": "https://sso.example.com", "INTROSPECTION_RATE_LIMIT": 1e6, "REQUIRE_TYPED_CODE": true}})["api"].
		at("spec", "template", "spec", "containers", 0, "env").([]any)
	got := map[any]any{}
	for _, e := range env {
		one, _ := e.(map[string]any)
		got[one["name"]] = one["value"]
	}
	if got["INTROSPECTION_RATE_LIMIT"] != "1000000" || got["REQUIRE_TYPED_CODE"] != "true" {
		t.Errorf("got %v and %v, want 1000000 and true", got["INTROSPECTION_RATE_LIMIT"], got["REQUIRE_TYPED_CODE"])
	}
}

// TestMigrationsReadTheSameSettings: a setting that needs another one, as MAIL_FROM
// needs SMTP_URL, would end the hook otherwise.
func TestMigrationsReadTheSameSettings(t *testing.T) {
	all := render(t, everything)
	names := func(of string) (list []string) {
		env, _ := all[of].at("spec", "template", "spec", "containers", 0, "env").([]any)
		for _, e := range env {
			one, _ := e.(map[string]any)
			list = append(list, fmt.Sprint(one["name"]))
		}
		return list
	}
	has := names("migrate")
	for _, name := range names("api") {
		// Paths of files that the hook has no volumes for, and what it does itself.
		if !slices.Contains(has, name) && !strings.Contains(name, "_FILE") && name != "OPS_ADDR" && name != "DATA_DIR" && name != "MIGRATE" {
			t.Errorf("got no %s in the migration, want each variable of the api", name)
		}
	}
}

func TestPodsRunWithoutRootAndWithSettingsThatAreRead(t *testing.T) {
	known := settings()
	for name, o := range render(t, everything) {
		if o["kind"] != "Deployment" && o["kind"] != "Job" {
			continue
		}
		pod, _ := o.at("spec", "template", "spec").(map[string]any)
		spec := object(pod)
		if spec.at("securityContext", "runAsNonRoot") != true || spec["automountServiceAccountToken"] != false {
			t.Errorf("%s: got root, or a token of the cluster, want neither", name)
		}
		container, _ := spec.at("containers", 0).(map[string]any)
		c := object(container)
		if c.at("securityContext", "readOnlyRootFilesystem") != true || c.at("securityContext", "allowPrivilegeEscalation") != false {
			t.Errorf("%s: got a container that can write its root or gain privileges, want neither", name)
		}
		env, _ := c["env"].([]any)
		for _, e := range env {
			one := object(e.(map[string]any))
			variable, _ := one["name"].(string)
			if !known[variable] {
				t.Errorf("%s: got %s, want only settings that are read", name, variable)
			}
			if known[variable+"_FILE"] && one.at("valueFrom", "secretKeyRef", "name") == nil {
				t.Errorf("%s: got %s with its value, want it from a secret", name, variable)
			}
		}
		mounts, _ := c["volumeMounts"].([]any)
		volumes, _ := spec["volumes"].([]any)
		if len(mounts) != len(volumes) {
			t.Errorf("%s: got %d mounts of %d volumes, want as many", name, len(mounts), len(volumes))
		}
		selector, _ := o.at("spec", "selector", "matchLabels").(map[string]any)
		for label, value := range selector {
			if o.at("spec", "template", "metadata", "labels", label) != value {
				t.Errorf("%s: got the selector %s=%v, want a label of its pods", name, label, value)
			}
		}
	}
}

func TestTheAPIIsProbedDrainedAndMigratedFirst(t *testing.T) {
	all := render(t, everything)
	probe := func(name string) any {
		return all["api"].at("spec", "template", "spec", "containers", 0, name, "httpGet", "path")
	}
	if probe("livenessProbe") != "/healthz" || probe("readinessProbe") != "/readyz" || probe("startupProbe") != "/healthz" {
		t.Errorf("got probes of %v, %v and %v, want /healthz, /readyz and /healthz", probe("livenessProbe"), probe("readinessProbe"), probe("startupProbe"))
	}
	if seconds := fmt.Sprint(all["api"].at("spec", "template", "spec", "terminationGracePeriodSeconds")); seconds != "45" {
		t.Errorf("got %s seconds to end, want 45: more than SHUTDOWN_DELAY and the requests in flight", seconds)
	}
	if hook := all["migrate"].at("metadata", "annotations", "helm.sh/hook"); hook != "pre-install,pre-upgrade" {
		t.Errorf("got the hook %v, want pre-install,pre-upgrade", hook)
	}
	for label, value := range all["service"].at("spec", "selector").(map[string]any) {
		if all["api"].at("spec", "template", "metadata", "labels", label) != value {
			t.Errorf("got the service's selector %s=%v, want a label of the api's pods", label, value)
		}
	}
}
