import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { FieldError } from '../platform/errors.ts';
import { mask } from '../platform/secret-box.ts';
import type { TlsSettings } from './definition.ts';

type Given = { [Name in keyof TlsSettings]?: string | null | undefined };

/** What is left out, or is the key as it is shown, stays; null takes it away. */
export function mergeTls(
  given: Given | null | undefined,
  old: TlsSettings | null | undefined,
): TlsSettings | null {
  if (given === undefined) return old ?? null;
  if (given === null) return null;
  const merged: TlsSettings = {
    ca_certificate: pick(given.ca_certificate, old?.ca_certificate),
    client_certificate: pick(given.client_certificate, old?.client_certificate),
    client_key: pick(given.client_key === mask ? undefined : given.client_key, old?.client_key),
  };
  return Object.values(merged).every((value) => value === null) ? null : merged;
}

function pick(given: string | null | undefined, old: string | null | undefined): string | null {
  return (given === undefined ? old : given) || null;
}

/** Every fault of certificates and key: they must parse, and the key must be that of the certificate. */
export function tlsFaults(tls: TlsSettings | null): FieldError[] {
  if (!tls) return [];
  const faults: FieldError[] = [];
  const { ca_certificate, client_certificate, client_key } = tls;
  if (ca_certificate !== null && !certificatesIn(ca_certificate))
    faults.push({ field: 'tls.ca_certificate', message: notPem('a certificate') });
  const certificate = client_certificate === null ? null : certificatesIn(client_certificate)?.[0];
  if (certificate === undefined)
    faults.push({ field: 'tls.client_certificate', message: notPem('a certificate') });
  const key = client_key === null ? null : privateKeyIn(client_key);
  if (key === undefined)
    faults.push({ field: 'tls.client_key', message: `${notPem('a private key')}, and have no passphrase` });
  if (client_certificate !== null && client_key === null)
    faults.push({ field: 'tls.client_key', message: 'is needed together with client_certificate' });
  if (client_certificate === null && client_key !== null)
    faults.push({ field: 'tls.client_certificate', message: 'is needed together with client_key' });
  if (key && (key.asymmetricKeyDetails?.modulusLength ?? 0) > mostRsaBits)
    faults.push({
      field: 'tls.client_key',
      message: `must have at most ${mostRsaBits} bits: each handshake waits for it`,
    });
  if (certificate && key && !certificate.checkPrivateKey(key))
    faults.push({ field: 'tls.client_key', message: 'is not the key of client_certificate' });
  return faults;
}

/** A signature with 16,384 bits takes seconds, in which nothing else is done. */
const mostRsaBits = 4096;

const notPem = (what: string) => `must be ${what} in PEM, beginning with -----BEGIN`;

/** Undefined when there is none, or one of them does not parse. */
function certificatesIn(pem: string): X509Certificate[] | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs);
  try {
    return blocks?.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

function privateKeyIn(pem: string) {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
