package webui

import "html/template"

// theme holds the brand's colours as variables of the style sheet. Colours are
// three numbers by the time they come here, so that no style can be injected.
//
// The accent is used for links and for buttons that only lead on. The button
// that approves has a colour of its own: the accent, unless that could be taken
// for a warning or for a disabled button. The button that denies never depends
// on the brand.
func theme(brand string) template.CSS {
	light, err := parseColor(brand)
	if err != nil || light.readable() != nil {
		light = defaultAccent
	}
	approve := light
	for _, shown := range []color{light, light.onDark()} {
		if shown.isRed() || shown.isGrey() {
			approve = defaultAccent
		}
	}
	return template.CSS(":root{" + variables("accent", light) + variables("approve", approve) + "}")
}

func variables(name string, light color) string {
	dark := light.onDark()
	return "--" + name + "-light:" + light.String() + ";--on-" + name + "-light:" + light.textOn().String() +
		";--" + name + "-dark:" + dark.String() + ";--on-" + name + "-dark:" + dark.textOn().String() + ";"
}
