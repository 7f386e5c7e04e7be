import { errors } from 'undici';

/* Why there was no answer, in words. Decided by codes; where there is none that is known, the message stands as it is. */

const reasons: Record<string, string> = {
  ERR_ASSERTION: 'The answer is not HTTP',
  ECONNREFUSED: 'The connection was refused: nothing listens at that address and port',
  ECONNRESET: 'The connection was reset by the receiver',
  EPIPE: 'The connection was closed by the receiver while the request was sent',
  UND_ERR_SOCKET: 'The connection was closed by the receiver before it had answered',
  UND_ERR_HEADERS_OVERFLOW: 'The head of the answer is larger than 32 KiB',
  ENOTFOUND: 'The name of the host is not known',
  ENODATA: 'The name of the host has no address',
  EAI_NONAME: 'The name of the host is not known',
  EAI_AGAIN: 'The name of the host could not be looked up',
  EAI_FAIL: 'The name of the host could not be looked up',
  EAI_MEMORY: 'The name of the host could not be looked up',
  UND_ERR_CONNECT_TIMEOUT: 'No connection within 10 s',
  ETIMEDOUT: 'No connection: the attempt timed out',
  EHOSTUNREACH: 'The host cannot be reached',
  ENETUNREACH: 'The network of the host cannot be reached',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS: the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'TLS: the certificate is from a CA that is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'TLS: the certificate cannot be verified: its issuer is not known here, or an intermediate certificate is missing',
  UNABLE_TO_GET_ISSUER_CERT: 'TLS: the certificate is from a CA that is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'TLS: the certificate is from a CA that is not known here',
  CERT_HAS_EXPIRED: 'TLS: the certificate has expired',
  CERT_NOT_YET_VALID: 'TLS: the certificate is not valid yet',
  CERT_REVOKED: 'TLS: the certificate was revoked',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS: the certificate is for another name',
  ERR_SSL_WRONG_VERSION_NUMBER:
    'TLS: no TLS is spoken at that port; the address may have to begin with http://',
  ERR_SSL_PACKET_LENGTH_TOO_LONG:
    'TLS: no TLS is spoken at that port; the address may have to begin with http://',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'TLS: the receiver wants a client certificate: give the hook tls.client_certificate and tls.client_key',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'TLS: the receiver does not accept the client certificate of the hook',
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: 'TLS: the receiver does not accept the client certificate of the hook',
  'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE':
    'TLS: the receiver does not accept the client certificate of the hook, or wants one',
  'ERR_SSL_SSL/TLS_ALERT_UNSUPPORTED_CERTIFICATE':
    'TLS: the receiver does not accept the client certificate of the hook',
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN':
    'TLS: the receiver does not accept the client certificate of the hook',
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED': 'TLS: the client certificate of the hook has expired',
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REVOKED': 'TLS: the client certificate of the hook was revoked',
  // What a receiver with TLS 1.2 says as well when it wants a client certificate.
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE':
    'TLS: the receiver broke off the handshake: it wants a client certificate, or has no protocol in common with Hookline',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'TLS: the receiver speaks no version of TLS that Hookline does',
};

/** Then it helps to make the issuer known: of a hook by its own setting, else to all of Hookline. */
const unknownIssuers = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);
const issuerAdvice = {
  hook: '. Give it to the hook as tls.ca_certificate, if it is the right one',
  hookline: '. Start Hookline with NODE_EXTRA_CA_CERTS naming a file that holds it, if it is the right one',
};

/** `url` is where the request was to go, `by` who sent it. */
export function explain(error: unknown, url: string, by: keyof typeof issuerAdvice = 'hook'): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = reasons[code];
  const message = error instanceof Error ? error.message.split('\n')[0]! : String(error);
  if (error instanceof errors.HTTPParserError)
    return `The answer cannot be read as HTTP: ${message}${schemeHint(url)}.`;
  const advice = unknownIssuers.has(code) ? issuerAdvice[by] : '';
  if (known) return `${known}${advice}${code === 'UND_ERR_SOCKET' ? schemeHint(url) : ''} (${code}).`;
  const isTls = /^(ERR_TLS|ERR_SSL|CERT_|EPROTO)/.test(code);
  const text = isTls ? `TLS: ${message}` : message;
  return text.endsWith('.') ? text : `${text}${code ? ` (${code})` : ''}.`;
}

/** A receiver with TLS that gets a request without it closes the connection, or answers with bytes of TLS. */
function schemeHint(url: string): string {
  return /^http:/i.test(url) ? '. If TLS is spoken at that port, the address has to begin with https://' : '';
}
