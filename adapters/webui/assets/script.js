// What the pages do better with a script: group the code while it is typed, put
// the caret where one types next, keep a form from being sent twice, say how
// much time is left. Without it they lack nothing that matters.
"use strict";

(() => {
	// XXXX-XXXX, with the caret kept behind the character it stood behind. What
	// cannot be part of a code yet (somebody pastes a whole line) is left alone.
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

	// Whoever comes to a page by a form or a redirect is told where they are:
	// at the field to type in, else at the heading.
	const start = document.querySelector("[aria-invalid]") ?? document.querySelector("[data-focus]");
	(start ?? document.querySelector("h1"))?.focus({ preventScroll: true });
	if (start?.matches("[aria-invalid]")) start.select();

	document.querySelectorAll("form[data-once]").forEach((form) => {
		let sent = false;
		form.addEventListener("submit", (event) => {
			if (sent) { event.preventDefault(); return; }
			sent = true;
			event.submitter?.setAttribute("aria-disabled", "true");
		});
		// The page comes back from the browser's memory as it was left.
		addEventListener("pageshow", () => {
			sent = false;
			form.querySelectorAll("[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
		});
	});

	// A page that a link led straight to may have come up under a click that was
	// meant for something else: for a moment it lets nobody in.
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

	document.querySelector("form[data-leave]")?.submit();

	document.querySelectorAll("time[data-local]").forEach((time) => {
		const at = new Date(time.dateTime);
		if (Number.isNaN(at.getTime())) return;
		time.title = time.textContent;
		time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" }).format(at);
	});

	// The time is counted from when the page came: the device's own clock may be
	// wrong.
	const clock = document.querySelector("[data-countdown]");
	if (clock) {
		const until = performance.now() + Number(clock.dataset.seconds) * 1000;
		const shown = clock.firstElementChild;
		const aloud = document.querySelector("[data-announce]");
		const marks = [60, 30]; // seconds at which it is said aloud
		const tick = () => {
			const left = Math.ceil((until - performance.now()) / 1000);
			const text = left > 0
				? clock.dataset.left.replace("{time}", Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0"))
				: clock.dataset.over;
			shown.textContent = text;
			if (left <= marks[0] || left <= 0) {
				while (left <= marks[0]) marks.shift();
				aloud.textContent = text;
			}
			if (left > 0) setTimeout(tick, 1000);
		};
		tick();
	}
})();
