// Test cases of RFC 9421 (Appendix B.1 keys, B.2.1 to B.2.6, B.3, B.4, and the signed answer of §2.4) and RFC 9530
// (Appendix B, D). They are data of these documents: IETF Trust, code components under the Revised BSD License (BCP 78).

export const KEYS = {
  'test-key-rsa-pss': `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----`,
  'test-key-ecc-p256': `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----`,
  'test-key-ed25519': `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----`,
} as const

/** Base64; the bytes are the secret. */
export const SHARED_SECRET = 'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=='

export const ED25519_PRIVATE_KEY = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----`

export const REQUEST_DIGEST =
  'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:'

export const TEST_REQUEST = {
  method: 'POST',
  url: 'https://example.com/foo?param=Value&Pet=dog',
  headers: {
    host: 'example.com',
    date: 'Tue, 20 Apr 2021 02:07:55 GMT',
    'content-type': 'application/json',
    'content-digest': REQUEST_DIGEST,
    'content-length': '18',
  },
} as const

export const TEST_RESPONSE = {
  status: 200,
  headers: {
    date: 'Tue, 20 Apr 2021 02:07:56 GMT',
    'content-type': 'application/json',
    'content-digest':
      'sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:',
    'content-length': '23',
  },
} as const

const BOUND_RESPONSE = {
  status: 503,
  headers: {
    date: 'Tue, 20 Apr 2021 02:07:56 GMT',
    'content-type': 'application/json',
    'content-length': '62',
    'content-digest':
      'sha-512=:0Y6iCBzGg5rZtoXS95Ijz03mslf6KAMCloESHObfwnHJDbkkWWQz6PhhU9kxsTbARtY2PTBOzq24uJFpHsMuAg==:',
  },
} as const

const CLIENT_CERT =
  ':MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:'

interface Sent {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Vector {
  readonly section: string
  readonly key: keyof typeof KEYS | 'test-shared-secret'
  readonly algorithm: 'ed25519' | 'ecdsa-p256-sha256' | 'rsa-pss-sha512' | 'hmac-sha256'
  readonly request: Sent
  readonly response?: { readonly status: number; readonly headers: Readonly<Record<string, string>> }
  readonly input: string
  readonly signature: string
  /** Lines before `@signature-params`. */
  readonly base: readonly string[]
}

const TRANSFORMED: Sent = {
  method: 'GET',
  url: 'https://example.org/demo?name1=Value1&Name2=value2',
  headers: { host: 'example.org', date: 'Fri, 15 Jul 2022 14:24:55 GMT', accept: 'application/json, */*' },
}

const TRANSFORM = {
  key: 'test-key-ed25519',
  algorithm: 'ed25519',
  input: 'transform=("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519"',
  signature: 'transform=:ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==:',
  base: ['"@method": GET', '"@path": /demo', '"@authority": example.org', '"accept": application/json, */*'],
} as const

/** Each of them verifies. */
export const VECTORS: readonly Vector[] = [
  {
    section: 'B.2.1 minimal, rsa-pss-sha512',
    key: 'test-key-rsa-pss',
    algorithm: 'rsa-pss-sha512',
    request: TEST_REQUEST,
    input: 'sig-b21=();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"',
    signature:
      'sig-b21=:d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==:',
    base: [],
  },
  {
    section: 'B.2.2 selected parts, rsa-pss-sha512',
    key: 'test-key-rsa-pss',
    algorithm: 'rsa-pss-sha512',
    request: TEST_REQUEST,
    input:
      'sig-b22=("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"',
    signature:
      'sig-b22=:LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==:',
    base: ['"@authority": example.com', `"content-digest": ${REQUEST_DIGEST}`, '"@query-param";name="Pet": dog'],
  },
  {
    section: 'B.2.3 full coverage, rsa-pss-sha512',
    key: 'test-key-rsa-pss',
    algorithm: 'rsa-pss-sha512',
    request: TEST_REQUEST,
    input:
      'sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"',
    signature:
      'sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==:',
    base: [
      '"date": Tue, 20 Apr 2021 02:07:55 GMT',
      '"@method": POST',
      '"@path": /foo',
      '"@query": ?param=Value&Pet=dog',
      '"@authority": example.com',
      '"content-type": application/json',
      `"content-digest": ${REQUEST_DIGEST}`,
      '"content-length": 18',
    ],
  },
  {
    section: 'B.2.4 an answer, ecdsa-p256-sha256',
    key: 'test-key-ecc-p256',
    algorithm: 'ecdsa-p256-sha256',
    request: TEST_REQUEST,
    response: TEST_RESPONSE,
    input:
      'sig-b24=("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"',
    signature: 'sig-b24=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==:',
    base: [
      '"@status": 200',
      '"content-type": application/json',
      `"content-digest": ${TEST_RESPONSE.headers['content-digest']}`,
      '"content-length": 23',
    ],
  },
  {
    section: 'B.2.5 hmac-sha256',
    key: 'test-shared-secret',
    algorithm: 'hmac-sha256',
    request: TEST_REQUEST,
    input: 'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    signature: 'sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:',
    base: ['"date": Tue, 20 Apr 2021 02:07:55 GMT', '"@authority": example.com', '"content-type": application/json'],
  },
  {
    section: 'B.2.6 ed25519',
    key: 'test-key-ed25519',
    algorithm: 'ed25519',
    request: TEST_REQUEST,
    input:
      'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
    signature: 'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:',
    base: [
      '"date": Tue, 20 Apr 2021 02:07:55 GMT',
      '"@method": POST',
      '"@path": /foo',
      '"@authority": example.com',
      '"content-type": application/json',
      '"content-length": 18',
    ],
  },
  {
    section: 'B.3 behind a proxy that ends TLS, ecdsa-p256-sha256',
    key: 'test-key-ecc-p256',
    algorithm: 'ecdsa-p256-sha256',
    request: {
      method: 'POST',
      url: 'https://service.internal.example/foo?param=Value&Pet=dog',
      headers: { host: 'service.internal.example', 'client-cert': CLIENT_CERT },
    },
    input: 'ttrp=("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256"',
    signature: 'ttrp=:xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==:',
    base: [
      '"@path": /foo',
      '"@query": ?param=Value&Pet=dog',
      '"@method": POST',
      '"@authority": service.internal.example',
      `"client-cert": ${CLIENT_CERT}`,
    ],
  },
  { section: 'B.4 as signed', request: TRANSFORMED, ...TRANSFORM },
  {
    section: 'B.4 a query parameter and a header more',
    request: {
      ...TRANSFORMED,
      url: `${TRANSFORMED.url}&param=added`,
      headers: { ...TRANSFORMED.headers, 'accept-language': 'en-US,en;q=0.5' },
    },
    ...TRANSFORM,
  },
  {
    section: 'B.4 another date and a header gone',
    request: { ...TRANSFORMED, headers: { host: 'example.org', accept: 'application/json, */*' } },
    ...TRANSFORM,
  },
  {
    section: '2.4 an answer bound to its request',
    key: 'test-key-ecc-p256',
    algorithm: 'ecdsa-p256-sha256',
    request: TEST_REQUEST,
    response: BOUND_RESPONSE,
    input:
      'reqres=("@status" "content-digest" "content-type" "@authority";req "@method";req "@path";req "content-digest";req);created=1618884479;keyid="test-key-ecc-p256"',
    signature: 'reqres=:dMT/A/76ehrdBTD/2Xx8QuKV6FoyzEP/I9hdzKN8LQJLNgzU4W767HK05rx1i8meNQQgQPgQp8wq2ive3tV5Ag==:',
    base: [
      '"@status": 503',
      `"content-digest": ${BOUND_RESPONSE.headers['content-digest']}`,
      '"content-type": application/json',
      '"@authority";req: example.com',
      '"@method";req: POST',
      '"@path";req: /foo',
      `"content-digest";req: ${REQUEST_DIGEST}`,
    ],
  },
]

/** B.4: none of these verifies. */
export const BROKEN: readonly Vector[] = [
  {
    section: 'B.4 another method and authority',
    request: { ...TRANSFORMED, method: 'POST', url: 'https://example.com/demo?name1=Value1&Name2=value2' },
    ...TRANSFORM,
  },
  {
    section: 'B.4 another order of values',
    request: { ...TRANSFORMED, headers: { ...TRANSFORMED.headers, accept: '*/*, application/json' } },
    ...TRANSFORM,
  },
]

/** RFC 9530: Appendix B.1 and B.2 (with the line feed), §2 and RFC 9421 B.2 (without). */
export const DIGESTS: readonly (readonly [body: string, field: string])[] = [
  ['{"hello": "world"}\n', 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:'],
  [
    '{"hello": "world"}\n',
    'sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:',
  ],
  ['', 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'],
  ['{"hello": "world"}', 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:'],
  ['{"hello": "world"}', REQUEST_DIGEST],
  ['{"message": "good dog"}', TEST_RESPONSE.headers['content-digest']],
]
