#!/usr/bin/env node
// Stands in for curl where a machine has none: the few options that the documents use.
import { readFileSync } from 'node:fs';

const headers = {};
let url = '';
let body;
let method;
let writesHeaders = false;
let toldAtEnd = '';
const options = process.argv.slice(2);
while (options.length > 0) {
  const option = options.shift();
  if (/^-[sSNi]+$/.test(option)) writesHeaders ||= option.includes('i');
  else if (option === '-X' || option === '--request') method = options.shift();
  else if (option === '--url') url = options.shift();
  else if (option === '--max-time') options.shift();
  else if (option === '-w') toldAtEnd = options.shift();
  else if (option === '-d' || option === '--data' || option === '--data-binary') {
    const given = options.shift();
    body = given.startsWith('@') ? readFileSync(given.slice(1)) : given;
  } else if (option === '-H' || option === '--header') {
    const [name, ...value] = options.shift().split(':');
    headers[name] = value.join(':').trim();
  } else if (option.startsWith('-')) throw new Error(`${option} is not known here`);
  else url = option;
}
const response = await fetch(url, { method: method ?? (body === undefined ? 'GET' : 'POST'), headers, body });
if (writesHeaders) {
  process.stdout.write(`HTTP/1.1 ${response.status}\r\n`);
  for (const [name, value] of response.headers) process.stdout.write(`${name}: ${value}\r\n`);
  process.stdout.write('\r\n');
}
for await (const piece of response.body ?? []) process.stdout.write(piece);
if (toldAtEnd.includes('%{http_code}')) process.stderr.write(`\n${response.status}`);
