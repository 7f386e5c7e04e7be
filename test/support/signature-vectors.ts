/**
 * Requests as the providers sign them, each of them valid. None is signed by Hookline's own code: a value is the one
 * its source prints, or where the source prints none it was made elsewhere, and `source` says so.
 */
export const signatureVectors: SignatureVector[] = [
  {
    scheme: 'hmac',
    title: 'SHA-256 in hex',
    secret: 'Jefe',
    headers: { 'x-signature': '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843' },
    body: 'what do ya want for nothing?',
    at: null,
    source: 'RFC 4231, test case 2',
  },
  {
    scheme: 'hmac',
    title: 'SHA-1 in hex',
    secret: 'Jefe',
    headers: { 'x-signature': 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79' },
    body: 'what do ya want for nothing?',
    at: null,
    source: 'RFC 2202, section 3, test case 2',
  },
  {
    scheme: 'hmac',
    title: 'SHA-512 in hex',
    secret: 'Jefe',
    headers: {
      'x-signature':
        '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
    },
    body: 'what do ya want for nothing?',
    at: null,
    source: 'RFC 4231, test case 2',
  },
  {
    scheme: 'hmac',
    title: 'SHA-256 in hex of capitals',
    secret: 'Jefe',
    headers: { 'x-signature': '5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843' },
    body: 'what do ya want for nothing?',
    at: null,
    source: 'RFC 4231, test case 2, written in capitals',
  },
  {
    scheme: 'hmac',
    title: 'SHA-256 in hex after its name',
    secret: 'Jefe',
    headers: { 'x-signature': 'sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843' },
    body: 'what do ya want for nothing?',
    at: null,
    source: 'RFC 4231, test case 2, after the prefix that git hosts use',
  },
  {
    scheme: 'hmac',
    title: 'SHA-256 in base64',
    secret: 'Jefe',
    headers: { 'x-signature': 'W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=' },
    body: 'what do ya want for nothing?',
    at: null,
    source: 'RFC 4231, test case 2, the same bytes in base64',
  },
  {
    scheme: 'hmac',
    title: 'SHA-512 in base64 after its name',
    secret: 'Jefe',
    headers: {
      'x-signature':
        'sha512=Fkt6e/z4GeLjlfvnO1bgo4e9ZCIugx/WECcM1+olBVSXWL91wFqZSm0DT2X48Ob9yuqxo01Ka0tjbgcKOLznNw==',
    },
    body: 'what do ya want for nothing?',
    at: null,
    source: 'RFC 4231, test case 2, the same bytes in base64 after the prefix',
  },
  {
    scheme: 'hmac',
    title: 'SHA-256 in hex of a body beyond ASCII',
    secret: 's3cr€t',
    headers: { 'x-signature': '397ffe7c6e8bf9c2355c6ec9c3438927864bef2a43beddb7c09a1630771bc711' },
    body: '{"author":"Zoë Müller","note":"😀"}',
    at: null,
    source: 'no value is published: made with the hmac module of Python',
  },
  {
    scheme: 'hmac',
    title: 'SHA-256 in hex of an empty body',
    secret: 'Jefe',
    headers: { 'x-signature': '923598ca6d64af2a5dba79dcd021a8a0fe5c5f557519adaaf0ad532d4506dd30' },
    body: '',
    at: null,
    source: 'no value is published: made with the hmac module of Python',
  },
  {
    scheme: 'github',
    title: 'the published example',
    secret: "It's a Secret to Everybody",
    headers: {
      'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    },
    body: 'Hello, World!',
    at: null,
    source:
      'docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries, "Testing the webhook payload validation"',
  },
  {
    scheme: 'github',
    title: 'JSON, with the older SHA-1 signature beside',
    secret: "It's a Secret to Everybody",
    headers: {
      'x-hub-signature': 'sha1=430292eab8965b7c0335062da7397464dd9e2fb6',
      'x-hub-signature-256': 'sha256=1e1f04dbf4cb70897462364c6e78fcbbef7c539af45d134917aefd3d5123f157',
    },
    body: '{"zen":"Keep it logically awesome.","hook_id":292430182}',
    at: null,
    source:
      'docs.github.com/en/webhooks/webhook-events-and-payloads, "Delivery headers"; no value is published: made with the hmac module of Python',
  },
  {
    scheme: 'github',
    title: 'a form: what is signed is the form itself',
    secret: "It's a Secret to Everybody",
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-hub-signature-256': 'sha256=f11c33e50ceaf5f6fe6b3ef2897a3a19f1a70c6d81d30d05f834463aa79f9827',
    },
    body: 'payload=%7B%22zen%22%3A%22Keep+it+logically+awesome.%22%2C%22hook_id%22%3A292430182%7D',
    at: null,
    source:
      'docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries; no value is published: made with the hmac module of Python',
  },
  {
    scheme: 'gitlab-token',
    title: 'the token itself',
    secret: '8f3c1d5e-made-up-token',
    headers: { 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': '8f3c1d5e-made-up-token' },
    body: '{"object_kind":"push","ref":"refs/heads/main"}',
    at: null,
    source:
      'docs.gitlab.com/user/project/integrations/webhooks, "Secret token": the header is the token, nothing is computed',
  },
  {
    scheme: 'gitlab-token',
    title: 'a token of signs that need no escape in a header',
    secret: 'a b=c,d;"e"',
    headers: { 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': 'a b=c,d;"e"' },
    body: '{"object_kind":"push","ref":"refs/heads/main"}',
    at: null,
    source: 'docs.gitlab.com/user/project/integrations/webhooks, "Secret token"',
  },
  {
    scheme: 'gitlab-signed',
    title: 'a push',
    secret: 'whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q=',
    headers: {
      'idempotency-key': '3a427872-00df-429c-9bc9-a9475de2efe4',
      'webhook-id': '3a427872-00df-429c-9bc9-a9475de2efe4',
      'webhook-timestamp': '1779177600',
      'webhook-signature': 'v1,d/e5RSy2suP5WfEMLeRYip7BEeK9aU/IDWjS9KjZSj4=',
      'x-gitlab-event': 'Push Hook',
    },
    body: '{"object_kind":"push","ref":"refs/heads/main"}',
    at: 1_779_177_600_000,
    source:
      'docs.gitlab.com/user/project/integrations/webhooks, "Signing tokens", with the key that is the example of merge request 231325 of gitlab-org/gitlab; no value is published: made with the hmac module of Python and the library standardwebhooks',
  },
  {
    scheme: 'gitlab-signed',
    title: 'a push, with the secret token beside',
    secret: 'whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q=',
    headers: {
      'idempotency-key': '3a427872-00df-429c-9bc9-a9475de2efe4',
      'webhook-id': '3a427872-00df-429c-9bc9-a9475de2efe4',
      'webhook-timestamp': '1779177600',
      'webhook-signature': 'v1,d/e5RSy2suP5WfEMLeRYip7BEeK9aU/IDWjS9KjZSj4=',
      'x-gitlab-event': 'Push Hook',
      'x-gitlab-token': '8f3c1d5e-made-up-token',
    },
    body: '{"object_kind":"push","ref":"refs/heads/main"}',
    at: 1_779_177_600_000,
    source:
      'docs.gitlab.com/user/project/integrations/webhooks, "Signing tokens", with the key that is the example of merge request 231325 of gitlab-org/gitlab; no value is published: made with the hmac module of Python and the library standardwebhooks',
  },
  {
    scheme: 'gitlab-signed',
    title: 'two signatures, the second of this key',
    secret: 'whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q=',
    headers: {
      'idempotency-key': '3a427872-00df-429c-9bc9-a9475de2efe4',
      'webhook-id': '3a427872-00df-429c-9bc9-a9475de2efe4',
      'webhook-timestamp': '1779177600',
      'webhook-signature':
        'v1,YAPMpi01O1P+lYuFKtqN3XVS5qQh+ab5GrHndApuXN0= v1,d/e5RSy2suP5WfEMLeRYip7BEeK9aU/IDWjS9KjZSj4=',
      'x-gitlab-event': 'Push Hook',
    },
    body: '{"object_kind":"push","ref":"refs/heads/main"}',
    at: 1_779_177_600_000,
    source:
      'docs.gitlab.com/user/project/integrations/webhooks, "Signing tokens", with the key that is the example of merge request 231325 of gitlab-org/gitlab; no value is published: made with the hmac module of Python and the library standardwebhooks',
  },
  {
    scheme: 'bitbucket',
    title: 'the published example',
    secret: "It's a Secret to Everybody",
    headers: { 'x-hub-signature': 'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9' },
    body: 'Hello World!',
    at: null,
    source: 'support.atlassian.com/bitbucket-cloud/docs/manage-webhooks, "Secure webhooks"',
  },
  {
    scheme: 'bitbucket',
    title: 'a push of Data Center',
    secret: 'made-up secret',
    headers: {
      'x-event-key': 'repo:refs_changed',
      'x-hub-signature': 'sha256=b594f0bf62e4cabc335ba63119d4ab4fb92d05b69f45e997fe6e1b74570aa2e4',
    },
    body: '{"eventKey":"repo:refs_changed","changes":[{"refId":"refs/heads/main","type":"UPDATE"}]}',
    at: null,
    source:
      'confluence.atlassian.com/bitbucketserver, "Manage webhooks", "Securing your webhook"; no value is published: made with the hmac module of Python',
  },
  {
    scheme: 'gitea',
    title: 'JSON',
    secret: 'webhook-secret',
    headers: {
      'content-type': 'application/json',
      'x-gitea-signature': '7f522a447c2460f9a7f7553cfec72978585309f099503a0c576c693184734825',
      'x-gogs-signature': '7f522a447c2460f9a7f7553cfec72978585309f099503a0c576c693184734825',
      'x-hub-signature': 'sha1=b825214bb81f097e90931ef20f8ea7dedd3ea3da',
      'x-hub-signature-256': 'sha256=7f522a447c2460f9a7f7553cfec72978585309f099503a0c576c693184734825',
    },
    body: '{"ref":"refs/heads/main","after":"28e1879d029cb852e4844d9c718537df08844e03","commits":[{"message":"a + b & c = 100 % ok"}]}',
    at: null,
    source:
      'docs.gitea.com/usage/webhooks and services/webhook/deliver.go of go-gitea/gitea; no value is published: made with the hmac module of Python',
  },
  {
    scheme: 'gitea',
    title: 'a form: what is signed is the JSON in its field payload',
    secret: 'webhook-secret',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-gitea-signature': '7f522a447c2460f9a7f7553cfec72978585309f099503a0c576c693184734825',
      'x-gogs-signature': '7f522a447c2460f9a7f7553cfec72978585309f099503a0c576c693184734825',
      'x-hub-signature': 'sha1=b825214bb81f097e90931ef20f8ea7dedd3ea3da',
      'x-hub-signature-256': 'sha256=7f522a447c2460f9a7f7553cfec72978585309f099503a0c576c693184734825',
    },
    body: 'payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%2C%22after%22%3A%2228e1879d029cb852e4844d9c718537df08844e03%22%2C%22commits%22%3A%5B%7B%22message%22%3A%22a+%2B+b+%26+c+%3D+100+%25+ok%22%7D%5D%7D',
    at: null,
    source:
      'docs.gitea.com/usage/webhooks and services/webhook/deliver.go of go-gitea/gitea; no value is published: made with the hmac module of Python',
  },
  {
    scheme: 'gitea',
    title: 'JSON from Forgejo',
    secret: 'webhook-secret',
    headers: {
      'content-type': 'application/json',
      'x-forgejo-signature': '7f522a447c2460f9a7f7553cfec72978585309f099503a0c576c693184734825',
      'x-gitea-signature': '7f522a447c2460f9a7f7553cfec72978585309f099503a0c576c693184734825',
      'x-gogs-signature': '7f522a447c2460f9a7f7553cfec72978585309f099503a0c576c693184734825',
      'x-hub-signature': 'sha1=b825214bb81f097e90931ef20f8ea7dedd3ea3da',
      'x-hub-signature-256': 'sha256=7f522a447c2460f9a7f7553cfec72978585309f099503a0c576c693184734825',
    },
    body: '{"ref":"refs/heads/main","after":"28e1879d029cb852e4844d9c718537df08844e03","commits":[{"message":"a + b & c = 100 % ok"}]}',
    at: null,
    source:
      'forgejo.org/docs/latest/user/webhooks and services/webhook/shared/payloader.go of Forgejo; no value is published: made with the hmac module of Python',
  },
  {
    scheme: 'stripe',
    title: 'one signature',
    secret: 'whsec_test_secret',
    headers: {
      'stripe-signature': 't=1492774577,v1=c2f890decbc5ede7c5060bb9a6d31e0626a4342bacb9aeae2adb1bcea72f9812',
    },
    body: '{\n  "id": "evt_test_webhook",\n  "object": "event"\n}',
    at: 1_492_774_577_000,
    source:
      'docs.stripe.com/webhooks/signature, with secret and body of test/Webhook.spec.ts of stripe/stripe-node; the header printed there comes without its secret, so no value is published: made with the hmac module of Python',
  },
  {
    scheme: 'stripe',
    title: 'a v0 beside, which test mode sends',
    secret: 'whsec_test_secret',
    headers: {
      'stripe-signature':
        't=1492774577,v1=c2f890decbc5ede7c5060bb9a6d31e0626a4342bacb9aeae2adb1bcea72f9812,v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39',
    },
    body: '{\n  "id": "evt_test_webhook",\n  "object": "event"\n}',
    at: 1_492_774_577_000,
    source:
      'docs.stripe.com/webhooks/signature, with secret and body of test/Webhook.spec.ts of stripe/stripe-node; the header printed there comes without its secret, so no value is published: made with the hmac module of Python',
  },
  {
    scheme: 'stripe',
    title: 'two v1 while a secret is rolled, the first of another secret, and a v0',
    secret: 'whsec_test_secret',
    headers: {
      'stripe-signature':
        't=1492774577,v1=50990638d4b7b56200b62c25827bb6c3d6c8c53fa09a1b27bf1582740c62b0ff,v1=c2f890decbc5ede7c5060bb9a6d31e0626a4342bacb9aeae2adb1bcea72f9812,v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39',
    },
    body: '{\n  "id": "evt_test_webhook",\n  "object": "event"\n}',
    at: 1_492_774_577_000,
    source:
      'docs.stripe.com/webhooks/signature, with secret and body of test/Webhook.spec.ts of stripe/stripe-node; the header printed there comes without its secret, so no value is published: made with the hmac module of Python',
  },
  {
    scheme: 'slack',
    title: 'the published slash command',
    secret: '8f742231b10e8888abcd99yyyzzz85a5',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    },
    body: 'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
    at: 1_531_420_618_000,
    source: 'docs.slack.dev/authentication/verifying-requests-from-slack',
  },
  {
    scheme: 'slack',
    title: 'the JSON of url_verification',
    secret: '8f742231b10e8888abcd99yyyzzz85a5',
    headers: {
      'content-type': 'application/json',
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=f9bd80929259f3f6d5fe3a3186c453c89cd1ad4862815a15837584f31c993652',
    },
    body: '{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}',
    at: 1_531_420_618_000,
    source:
      'docs.slack.dev/reference/events/url_verification for the body; no value is published: made with the hmac module of Python',
  },
  {
    scheme: 'shopify',
    title: 'a paid order',
    secret: 'hush',
    headers: {
      'x-shopify-hmac-sha256': 'RbHkzsRm1bxO9kNJIERUOWeBcHlTZ3NEBDcoBn4feuc=',
      'x-shopify-topic': 'orders/paid',
    },
    body: '{"id":820982911946154508,"name":"#9999","financial_status":"paid","total_price":"369.97"}',
    at: null,
    source:
      'shopify.dev/docs/apps/build/webhooks/delivery-structure, "Headers"; no value is published: made with the hmac module of Python',
  },
  {
    scheme: 'shopify',
    title: 'the secret of an app, a hex text that is taken as it is',
    secret: '0123456789abcdef0123456789abcdef',
    headers: {
      'x-shopify-hmac-sha256': 'C5vaxwZnvYBOPlUh3YKoZ9sR/hHMQhIXKQG4OvaOhhI=',
      'x-shopify-topic': 'orders/paid',
    },
    body: '{"id":820982911946154508,"name":"#9999","financial_status":"paid","total_price":"369.97"}',
    at: null,
    source:
      'shopify.dev/docs/apps/build/webhooks/delivery-structure, "Headers"; no value is published: made with the hmac module of Python',
  },
  {
    scheme: 'standard-webhooks',
    title: 'the published example',
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
    body: '{"test": 2432232314}',
    at: 1_614_265_330_000,
    source: 'libraries/go/webhook_test.go of standard-webhooks/standard-webhooks, TestWebhookSign',
  },
  {
    scheme: 'standard-webhooks',
    title: 'a secret without its prefix',
    secret: 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
    body: '{"test": 2432232314}',
    at: 1_614_265_330_000,
    source: 'libraries/go/webhook_test.go of standard-webhooks/standard-webhooks, TestWebhookSign',
  },
  {
    scheme: 'standard-webhooks',
    title: 'several signatures, also of an unknown version',
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature':
        'v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=',
    },
    body: '{"test": 2432232314}',
    at: 1_614_265_330_000,
    source:
      'libraries/javascript/src/webhook.test.ts of standard-webhooks/standard-webhooks, "multi sig payload is valid"',
  },
  {
    scheme: 'standard-webhooks',
    title: 'an asymmetric signature v1a before the one that counts',
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature':
        'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
    body: '{"test": 2432232314}',
    at: 1_614_265_330_000,
    source:
      'spec/standard-webhooks.md of standard-webhooks/standard-webhooks, "Webhook headers", for v1a, which comes without its key; the v1 is that of libraries/go/webhook_test.go of standard-webhooks/standard-webhooks, TestWebhookSign',
  },
  {
    scheme: 'standard-webhooks',
    title: 'a secret of 64 bytes and a body beyond ASCII',
    secret: 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==',
    headers: {
      'webhook-id': 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
      'webhook-timestamp': '1674087231',
      'webhook-signature': 'v1,J3rgjglIKpLXUM+irekpi1MiOo3Rxik0hDaFSFXZsno=',
    },
    body: '{"type":"invoice.paid","timestamp":"2022-11-03T20:26:10.344522Z","data":{"customer":"Zoë Müller"}}',
    at: 1_674_087_231_000,
    source:
      'spec/standard-webhooks.md of standard-webhooks/standard-webhooks; the signature printed there comes without its secret: made with the hmac module of Python and the library standardwebhooks',
  },
];

type SignatureVector = {
  scheme:
    | 'hmac'
    | 'github'
    | 'gitlab-token'
    | 'gitlab-signed'
    | 'bitbucket'
    | 'gitea'
    | 'stripe'
    | 'slack'
    | 'shopify'
    | 'standard-webhooks';
  title: string;
  secret: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
  /** When the request was signed, in ms since 1970; null where the scheme has no timestamp. */
  at: number | null;
  source: string;
};
