// What both identity providers here have in common: people, a form to sign in
// with, and the settings that a test has chosen.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

export const url = process.env.URL;
export const file = (name) => readFileSync(name, 'utf8');
export const variant = () => JSON.parse(file('variant.json'));

const people = {
  alice: { uid: 'alice', mail: 'alice@example.com', displayName: 'Alice Ärlig <&"\'>', groups: ['staff', 'eng & ops'] },
  nomail: { uid: 'nomail', displayName: 'No Mail', groups: [] },
};

// serve answers /metadata, and /sso with a form whose answer is the person's response.
export function serve(metadata, respond) {
  createServer((req, res) => {
    const parts = [];
    req.on('data', (part) => parts.push(part));
    req.on('end', async () => {
      const at = new URL(req.url, url);
      req.query = Object.fromEntries(at.searchParams);
      req.body = Object.fromEntries(new URLSearchParams(Buffer.concat(parts).toString()));
      res.set = (name, value) => { res.setHeader(name, value); return res; };
      res.send = (text) => res.end(text);
      req.protocol = 'http'; // what samlp knows of its address
      res.setHeader('Content-Type', 'text/html; charset=utf-8');
      try {
        if (at.pathname === '/metadata') return await metadata(req, res);
        if (at.pathname !== '/sso') { res.statusCode = 404; return res.end(); }
        const person = people[req.body.user];
        if (req.method === 'POST' && person && req.body.password === req.body.user) return await respond(req, res, person);
        return res.end(`<form method="post" action="${at.pathname}${at.search.replaceAll('&', '&amp;')}"><input name="user"><input name="password" type="password"></form>`);
      } catch (problem) {
        console.error(problem);
        res.statusCode = 400;
        res.end('<h1>The identity provider refuses this</h1>');
      }
    });
  }).listen(Number(new URL(url).port), '127.0.0.1');
}

// provider reads the service provider's metadata, which the test has written.
export function provider() {
  const text = file('sp.xml');
  const first = (pattern) => pattern.exec(text)?.[1];
  const certificate = first(/<(?:\w+:)?X509Certificate>([^<]+)</).replaceAll(/\s/g, '');
  return {
    text,
    entityID: first(/entityID="([^"]+)"/),
    acs: first(/<(?:\w+:)?AssertionConsumerService [^>]*Location="([^"]+)"/),
    certificate: `-----BEGIN CERTIFICATE-----\n${certificate.match(/.{1,64}/g).join('\n')}\n-----END CERTIFICATE-----\n`,
  };
}
