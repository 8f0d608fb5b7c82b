// What the pages do better with a script: group the code while it is typed, put
// the caret where one types next, keep a form from being sent twice, say how
// much time is left. Without it they lack nothing that matters.
"use strict";

(() => {
	// XXXX-XXXX, with the caret kept behind the character it stood behind. What
	// cannot be part of a code yet (a whole line was pasted) is left alone.
	const group = (field) => {
		const fold = (text) => text.normalize("NFKC").toUpperCase().replace(/[^\p{L}\p{N}]/gu, "");
		const regroup = () => {
			const all = fold(field.value);
			if (all.length > 8) return;
			const before = fold(field.value.slice(0, field.selectionStart ?? field.value.length)).length;
			const text = all.length > 4 ? all.slice(0, 4) + "-" + all.slice(4) : all;
			if (text === field.value) return;
			field.value = text;
			const caret = before > 4 ? before + 1 : before;
			field.setSelectionRange(caret, caret);
		};
		let composing = false; // an input method is at work: its text is not ours yet
		field.addEventListener("compositionstart", () => { composing = true; });
		field.addEventListener("compositionend", () => { composing = false; regroup(); });
		field.addEventListener("input", () => { if (!composing) regroup(); });
		regroup();
	};
	document.querySelectorAll("[data-code-field]").forEach(group);

	// The focus starts at the field that was filled in wrongly, else at the field
	// to type in, else at the heading. A mistake is scrolled into view.
	const invalid = document.querySelector("[aria-invalid]");
	const start = invalid ?? document.querySelector("[data-focus]") ?? document.querySelector("h1");
	start?.focus({ preventScroll: true });
	if (invalid) {
		invalid.select();
		document.querySelector(".wrong")?.scrollIntoView({ block: "start" });
	}

	// A field that was left empty is told of by a sentence of ours, which stays: a
	// browser's goes away, and may have no room above the buttons.
	document.querySelectorAll("[data-missing]").forEach((sentence) => {
		const field = document.getElementById(sentence.dataset.missing);
		field.addEventListener("invalid", (event) => {
			event.preventDefault();
			document.querySelectorAll(".wrong").forEach((said) => { said.hidden = said !== sentence; });
			field.setAttribute("aria-invalid", "true");
			field.setAttribute("aria-describedby", sentence.id);
			field.focus({ preventScroll: true });
			sentence.scrollIntoView({ block: "start" });
			if (field.getBoundingClientRect().bottom > innerHeight) field.scrollIntoView({ block: "nearest" });
		});
	});

	document.querySelectorAll("form[data-once]").forEach((form) => {
		let sent = false;
		form.addEventListener("submit", (event) => {
			if (sent) { event.preventDefault(); return; }
			sent = true;
			event.submitter?.setAttribute("aria-disabled", "true");
		});
		// A page from the browser's back-forward cache is as it was left.
		addEventListener("pageshow", () => {
			sent = false;
			form.querySelectorAll("[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
		});
	});

	// A page that a link led straight to may have come up under a click that was
	// meant for something else: for a moment it approves nothing.
	document.querySelectorAll("[data-hasty]").forEach((button) => {
		let waiting;
		const wait = () => {
			clearTimeout(waiting);
			button.setAttribute("aria-disabled", "true");
			waiting = setTimeout(() => { waiting = undefined; button.removeAttribute("aria-disabled"); }, 1000);
		};
		addEventListener("focus", wait);
		addEventListener("pageshow", wait);
		document.addEventListener("visibilitychange", wait);
		button.addEventListener("click", (event) => { if (waiting) event.preventDefault(); });
		wait();
	});

	document.querySelector("form[data-submit]")?.submit();

	// Whether the device has fetched its access, without loading the page anew: it
	// would move under a hand that wants to take the approval back.
	const awaiting = document.querySelector("[data-awaits]");
	if (awaiting) {
		const check = document.querySelector("[data-check]");
		check.hidden = true;
		let tries = 90;
		const look = async () => {
			if (!document.hidden) {
				tries--;
				const page = await fetch(location.pathname, { credentials: "same-origin", cache: "no-store" }).then((r) => r.text()).catch(() => "");
				if (page.includes(" data-fetched")) {
					document.querySelectorAll("[data-then]").forEach((part) => { part.textContent = part.dataset.then; });
					document.title = document.title.replace(/^.* · /, document.querySelector("h1").textContent + " · ");
					return;
				}
			}
			if (tries > 0) setTimeout(look, 2000);
			else check.hidden = false;
		};
		setTimeout(look, 1000);
	}

	// The sentences have these digits in every language.
	const language = document.documentElement.lang + "-u-nu-latn";
	document.querySelectorAll("time[data-local]").forEach((time) => {
		const at = new Date(time.dateTime);
		if (Number.isNaN(at.getTime())) return;
		time.title = time.textContent;
		time.textContent = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(at);
	});

	// "Just now" and "one minute ago" are kept up to date.
	const relative = new Intl.RelativeTimeFormat(language, { numeric: "always" });
	document.querySelectorAll("time[data-ago]").forEach((time) => {
		const loaded = performance.now(), before = Number(time.dataset.ago);
		setInterval(() => {
			const minutes = before + Math.floor((performance.now() - loaded) / 60000);
			if (minutes > before) time.textContent = relative.format(-minutes, "minute");
		}, 5000);
	});

	// Time left, with units: "4 minutes 58 seconds".
	const unit = (name, n) => new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "long" }).format(n);
	const duration = (seconds) => {
		const parts = [];
		if (seconds >= 60) parts.push(unit("minute", Math.floor(seconds / 60)));
		if (seconds % 60 > 0) parts.push(unit("second", seconds % 60));
		return parts.join(/^(ja|zh)/.test(language) ? "" : " ");
	};

	// The time is counted from when the page loaded, because the device's own
	// clock may be wrong. At its end the page offers the next step, and takes
	// away what no longer works.
	const clock = document.querySelector("[data-countdown]");
	if (clock) {
		const until = performance.now() + Number(clock.dataset.seconds) * 1000;
		const shown = clock.firstElementChild;
		const announced = document.querySelector("[data-announce]");
		const marks = [60, 30]; // seconds at which it is announced
		const waiting = document.querySelector("[data-waits]");
		const wait = (event) => event.preventDefault();
		waiting?.setAttribute("aria-disabled", "true");
		waiting?.addEventListener("click", wait);
		const end = () => {
			waiting?.removeAttribute("aria-disabled");
			waiting?.removeEventListener("click", wait);
			const renew = clock.querySelector("[data-renew]");
			if (!renew) return;
			const focused = document.activeElement;
			renew.hidden = false;
			document.querySelectorAll("[data-expires]").forEach((part) => {
				const lost = part.contains(focused);
				part.hidden = true;
				if (lost) renew.querySelector("a, button").focus();
			});
		};
		const tick = () => {
			const left = Math.ceil((until - performance.now()) / 1000);
			const text = left > 0 ? clock.dataset.left.replace("{time}", duration(left)) : clock.dataset.over;
			shown.textContent = text;
			if (left <= marks[0] || left <= 0) {
				while (left <= marks[0]) marks.shift();
				announced.textContent = text;
			}
			if (left > 0) setTimeout(tick, 1000);
			else end();
		};
		tick();
	}
})();
