#!/usr/bin/env node
// Stands in for curl where a machine has none: the few options that the documents use.
const headers = {};
let url = '';
let body;
let method;
const options = process.argv.slice(2);
while (options.length > 0) {
  const option = options.shift();
  if (/^-[sN]+$/.test(option)) continue;
  else if (option === '-X') method = options.shift();
  else if (option === '-d') body = options.shift();
  else if (option === '-H') {
    const [name, ...value] = options.shift().split(':');
    headers[name] = value.join(':').trim();
  } else if (option.startsWith('-')) throw new Error(`${option} is not known here`);
  else url = option;
}
const response = await fetch(url, { method: method ?? (body === undefined ? 'GET' : 'POST'), headers, body });
for await (const piece of response.body ?? []) process.stdout.write(piece);
