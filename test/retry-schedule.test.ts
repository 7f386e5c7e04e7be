import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Answer } from '../src/outgoing/http-client.ts';
import { judge } from '../src/outgoing/retry-schedule.ts';
import type { Verdict } from '../src/outgoing/retry-schedule.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const NOW = Date.UTC(2026, 0, 15, 12);
const delaysSeconds = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 28_800];

const timing = {
  dns_ms: null,
  connect_ms: null,
  tls_ms: null,
  first_byte_ms: null,
  total_ms: 1,
  connection_reused: true,
};
const url = 'https://hooks.example.com/deploys';
const gitlab = 'https://gitlab.example.com/api/v4/projects/a%2Fb/statuses/abc';

function answered(status: number, headers: Record<string, string> = {}, body = ''): Answer {
  return { kind: 'answer', status, headers, body, isCut: false, address: '192.0.2.1', timing };
}

const unreachable: Answer = {
  kind: 'no-answer',
  reason: 'No answer within 15 s.',
  refused: false,
  address: '',
  timing,
};

function judged(answer: Answer, attempt = 1, random = 0.5, to = url): Verdict {
  return judge(answer, attempt, { url: to, random: () => random, now: NOW });
}

function delayOf(verdict: Verdict): number {
  assert.equal(verdict.kind, 'retry', verdict.reason);
  return verdict.kind === 'retry' ? verdict.delayMs : 0;
}

describe('what follows from an attempt to deliver', () => {
  test('every 2xx is delivered', () => {
    for (const status of [200, 201, 202, 204, 226, 299])
      assert.equal(judged(answered(status)).kind, 'delivered');
  });

  test('an answer that may be another one later is tried again', () => {
    for (const status of [408, 425, 429, 500, 502, 503, 504, 507, 521, 599]) {
      assert.equal(judged(answered(status)).kind, 'retry', String(status));
    }
    assert.equal(judged(unreachable).kind, 'retry');
  });

  test('an answer that will stay the same ends the delivery as rejected, and says which', () => {
    for (const status of [400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 418, 422, 451]) {
      const verdict = judged(answered(status));
      assert.equal(verdict.kind, 'rejected', String(status));
      assert.ok(verdict.reason.includes(String(status)));
    }
  });

  test('what GitLab says of a commit status counts as it is meant, and nobody else may say so', () => {
    const repeated = answered(400, {}, '{"message":"Cannot transition status via :run from :running"}');
    assert.equal(judged(repeated, 1, 0.5, gitlab).kind, 'delivered');
    assert.equal(judged(repeated).kind, 'rejected');
    assert.equal(judged(answered(400, {}, '{"message":"other"}'), 1, 0.5, gitlab).kind, 'rejected');
    assert.equal(judged(answered(409), 1, 0.5, gitlab).kind, 'retry');
  });

  test('a rejection repeats in short what the receiver says is wrong', () => {
    const said = (body: string) => judged(answered(401, {}, body)).reason;
    assert.equal(said('{"message":"Bad credentials"}'), 'Rejected: answered 401: Bad credentials.');
    assert.equal(said('{"error":{"message":"no\\nline"}}'), 'Rejected: answered 401: no line.');
    for (const body of ['', 'no', '[]', 'null', '{"message":7}'])
      assert.equal(said(body), 'Rejected: answered 401.', body);
  });

  test('the end of a rate limit is waited for, as each provider tells it', () => {
    const reset = String(NOW / 1000 + 600);
    const wait = (status: number, headers: Record<string, string>) =>
      delayOf(judged(answered(status, headers))) / SECOND;
    assert.equal(wait(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }), 600);
    assert.equal(wait(429, { 'ratelimit-remaining': '0', 'ratelimit-reset': reset }), 600);
    assert.equal(wait(429, { 'x-ratelimit-reset-after': '64.57' }), 64.57);
    assert.equal(wait(429, { 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': reset }), 5);
    assert.equal(wait(500, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }), 5);
  });

  test('a redirect is not followed, and the reason says so', () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const verdict = judged(answered(status, { location: 'http://169.254.169.254/' }));
      assert.equal(verdict.kind, 'rejected');
      assert.match(verdict.reason, /redirect/);
    }
  });

  test('403 with the headers of a rate limit is tried again, plain 403 is not', () => {
    assert.equal(judged(answered(403, { 'x-ratelimit-remaining': '0' })).kind, 'retry');
    assert.equal(judged(answered(403, { 'retry-after': '60' })).kind, 'retry');
    assert.equal(judged(answered(403, { 'x-ratelimit-remaining': '12' })).kind, 'rejected');
  });

  test('an address that the egress guard refuses is not tried again', () => {
    const verdict = judged({ ...unreachable, reason: '10.0.0.1 is private.', refused: true });
    assert.deepEqual(verdict, {
      kind: 'rejected',
      sign: { kind: 'refused' },
      reason: '10.0.0.1 is private.',
    });
  });
});

describe('the schedule of attempts', () => {
  test('the waits are 5 s, 30 s, 2 m, 10 m, 30 m, 1 h, 2 h, 4 h, 8 h and 8 h', () => {
    const waits = delaysSeconds.map((_, index) => delayOf(judged(unreachable, index + 1)) / SECOND);
    assert.deepEqual(waits, delaysSeconds);
  });

  test('after the eleventh attempt the delivery has failed, with the last reason', () => {
    const verdict = judged(answered(503), 11);
    assert.equal(verdict.kind, 'failed');
    assert.match(verdict.reason, /11 attempts.*503/);
    assert.equal(judged(unreachable, 11).kind, 'failed');
    assert.equal(judged(answered(200), 11).kind, 'delivered');
  });

  test('each wait is spread by at most 20 % either way, and reaches both ends', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempt, random) => {
          const wait = delayOf(judged(unreachable, attempt, random));
          const middle = delaysSeconds[attempt - 1]! * SECOND;
          assert.ok(wait >= middle * 0.8 - 1 && wait <= middle * 1.2 + 1, `${wait} for ${middle}`);
          assert.ok(Number.isInteger(wait));
        },
      ),
      { numRuns: 300 },
    );
    assert.equal(delayOf(judged(unreachable, 1, 0)), 4 * SECOND);
    assert.equal(delayOf(judged(unreachable, 1, 1)), 6 * SECOND);
  });

  const waits: [what: string, retryAfter: string, seconds: number][] = [
    ['seconds', '120', 120],
    ['seconds with spaces', ' 120 ', 120],
    ['less than the schedule', '1', 5],
    ['nothing', '', 5],
    ['a date', new Date(NOW + 90 * SECOND).toUTCString(), 90],
    ['a past date', new Date(NOW - HOUR).toUTCString(), 5],
    ['more than a day', '172800', 86_400],
    ['a date in years', new Date(NOW + 9000 * HOUR).toUTCString(), 86_400],
    ['more seconds than a number of nine digits', '99999999999', 86_400],
    ['garbage', 'soon', 5],
    ['a negative number', '-20', 5],
    ['a fraction', '1.5', 5],
    ['two values', '60, 120', 5],
  ];
  for (const [what, retryAfter, seconds] of waits) {
    test(`Retry-After with ${what} (${JSON.stringify(retryAfter)}) waits ${seconds} s`, () => {
      assert.equal(delayOf(judged(answered(503, { 'retry-after': retryAfter }))) / SECOND, seconds);
    });
  }

  test('no Retry-After shortens a wait or makes it longer than a day', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.integer().map(String),
          fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
        ),
        (retryAfter) => {
          const wait = delayOf(judged(answered(429, { 'retry-after': retryAfter }), 3));
          assert.ok(wait >= 120 * SECOND && wait <= 24 * HOUR, `${retryAfter}: ${wait}`);
        },
      ),
      { numRuns: 500 },
    );
  });
});
