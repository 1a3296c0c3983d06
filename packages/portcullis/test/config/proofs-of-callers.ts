// Which test through a running gateway proves each key about listeners, callers, tenants and the store. See keys-proved.ts.

import { UPSTREAM, ISSUER, PROVIDER, ASSERTED, CLIENTS, type Proofs } from './key-places.ts'

export const OF_CALLERS: Proofs = {
  'e2e/transport': {
    'the certificate is of the local authority, and for our names alone': ['listen.tls.authority'],
    'plain text is served where it is spelled, and the weakness is in the audit chain': ['listen.plaintext'],
  },
  'e2e/own-staple': {
    'the answer of the responder is sent with the certificate, unless that is turned off': [
      'listen.tls.{staple,revocationNetworks}',
      'listen.tls.{certificate,key}.file',
    ],
  },
  'e2e/http2': {
    'HTTP/2 can be left out, and TLS 1.2 let in, which is a weakness and has modern suites alone': [
      'listen.tls.{minVersion,http2}',
    ],
  },
  'attacks/client-certificates': {
    'of the authority is good: the others are compared with it': [`${CLIENTS}.authorities`],
    "${what} is nobody's": ['identity.certificates[].authority'],
  },
  'e2e/client-certificates': {
    'with mode required nobody connects without a certificate of the authorities': [`${CLIENTS}.mode`],
    'a certificate is a credential: by its SPIFFE id, its DNS name or its subject': [
      'identity.certificates[].{uri,dns,subject,roles,upstreams}',
    ],
  },
  'e2e/trust-bundles': {
    'let each authority vouch for its own trust domain, and for nothing else': [`${CLIENTS}.trustBundles.NAME`],
  },
  'attacks/revoked-clients': {
    'one ${name}': [`${CLIENTS}.revocationNetworks`],
  },
  'e2e/authorization-server': {
    'behind a proxy that speaks TLS, addresses and cookies are those of the public name': ['listen.publicUrl'],
    'the configured times are those of tokens, consents and sign-ins': ['identity.server.accessTokenSeconds'],
    'tokens and consents survive a restart, what was revoked stays so, and a new key takes over': ['state'],
    'a client that registers itself is held to the rules, and there are no more of them than configured': [
      'identity.server.registration.maxClients',
    ],
  },
  'attacks/rebinding': {
    'our own names, and those that are spelled out, are served': ['listen.allowedHosts'],
    'such a page can read answers, and why it was refused': ['listen.allowedOrigins'],
  },
  'e2e/metrics': {
    'needs neither TLS nor a token where the configuration says so': ['listen.metrics.plaintext'],
    'shows metrics to nobody without the token, or with another credential': ['listen.metrics.token'],
    'does not depend on an upstream unless that is required': [`${UPSTREAM}.required`],
  },
  'e2e/local-authority': {
    'the listener of revocations answers what it is for, and nothing else': ['listen.revocation.plaintext'],
  },
  'e2e/shared-store': {
    'let in on one whoever has a key of the other, each administrator on both': ['store.{kind,url,password,username}'],
    'have no more connections than they may, over TLS 1.3 or a socket': ['store.{connections,socket}'],
    'wait no longer for a statement than they may, and let nobody in meanwhile': ['store.timeoutMs'],
    'does not start as the owner, nor with a server that nobody vouches for': ['store.ca'],
    'names the weakness of plain text': ['store.plaintext'],
  },
  'e2e/api-keys': {
    'with keys switched off none opens anything': ['identity.apiKeys.enabled'],
  },
  'e2e/outside-tokens': {
    'a good token opens the upstream that it was issued for, and no other': [
      `${ISSUER}.{issuer,ca}`,
      `${ISSUER}.{tenant,roles}.{claim,map.NAME}`,
    ],
  },
  'e2e/configured-identity': {
    'subjectClaim names the principal': [`${ISSUER}.{subjectClaim,everyone}`],
    'scopesClaim holds the scopes': [`${ISSUER}.scopesClaim`],
    'clockSkewSeconds is how far an expiry may lie behind': [`${ISSUER}.clockSkewSeconds`],
    'tokenType is the type that a token has to name': [`${ISSUER}.tokenType`],
    'tenant is that of its principals': [`${ISSUER}.tenant`],
    'jwksTtlSeconds is how long a key that was withdrawn is believed': [`${ISSUER}.jwksTtlSeconds`],
    'algorithms are those of its tokens': [`${ISSUER}.algorithms`],
    'refreshIdleSeconds, consentSeconds and sessionSeconds end each what they are about': [
      'identity.server.{refreshIdleSeconds,consentSeconds,sessionSeconds}',
    ],
    'tenant is that of the clients that register themselves': ['identity.server.registration.tenant'],
    'keyDays is how long a key signs': ['identity.server.keyDays'],
    'jwksUri is where its keys are': [`${ISSUER}.jwksUri`],
    'url is where it is asked': [`${ISSUER}.introspection.url`],
    'proofSeconds is how old it may be': ['identity.dpop.proofSeconds'],
    'clockSkewSeconds is how far ahead it may be': ['identity.dpop.clockSkewSeconds'],
    'algorithms are those that are taken': ['identity.dpop.algorithms'],
    'nonceSeconds is how long its nonce is the newest': ['identity.dpop.nonceSeconds'],
    'nonce is demanded unless that is turned off': ['identity.dpop.nonce'],
    'nameClaim and tenant say under which name and where its people get accounts': [
      `${PROVIDER}.{nameClaim,tenant,tenant.claim,tenant.map.NAME,everyone}`,
    ],
    'maxAgeSeconds and clockSkewSeconds say how old it may be, and how far ahead': [
      'identity.signatures.{maxAgeSeconds,clockSkewSeconds}',
    ],
    'tag is that of the signatures that are looked at': ['identity.signatures.tag'],
    'keys can be those of a set, and of a principal': ['identity.signatures.keys[].{jwks,principal}'],
    'title is its name in the metadata': [`${UPSTREAM}.title`],
    'algorithms, jwksUri, tenant and everyone say which ones count, and for whom': [
      `${ASSERTED}.{algorithms,jwksUri,tenant,everyone}`,
    ],
    'tenant is that of the principal': ['identity.certificates[].tenant'],
    'crls end who is on them, unless revocation asks nobody': [`${CLIENTS}.{crls,revocation}`],
    'tenant is that of the credential beside which a key signs': ['identity.signatures.keys[].tenant'],
    'answers to a role are signed always': ['identity.signatures.answers.roles'],
  },
  'e2e/scopes': {
    'an audience that the issuer cannot name by itself can be configured, for all paths': [`${ISSUER}.audiences`],
    'a message without the scope of its upstream is refused with all that it needs': ['identity.scopes.NAME.upstreams'],
    'a call steps up: the whole set is told, whatever part of it is there': ['identity.scopes.NAME.{includes,tools}'],
  },
  'e2e/administration-tokens': {
    'make a token good where its audience is listed, and nowhere else': [
      `${ISSUER}.audiences.{aggregate,administration,upstreams.NAME}`,
    ],
  },
  'e2e/introspection': {
    'a token that its issuer calls good is good, and the issuer is asked once': [
      `${ISSUER}.introspection.{clientId,secret}`,
    ],
    'a token that the issuer takes back ends here after the configured time': [
      `${ISSUER}.introspection.rememberSeconds`,
    ],
  },
  'e2e/authorization-flows': {
    'a client gets the scope that a person has consented to, and no other': ['identity.server.scopes.NAME'],
  },
  'e2e/ways-to-sign-in': {
    'with password+totp a password alone lets nobody in': ['identity.server.signIn'],
  },
  'attacks/outside-providers': {
    'somebody whom the provider vouches for gets an account, roles by groups, and a token that works': [
      `${PROVIDER}.{strength,name,title,issuer,clientId,clientSecret,scopes,privateNetworks,ca,create}`,
      `${PROVIDER}.roles.{claim,map.NAME}`,
    ],
    '${who} is not admitted, and no account is made': [
      `${PROVIDER}.{admit,admit.emailDomains,admit.groups.claim,admit.groups.values}`,
    ],
    'a provider that proves nothing about strength gives none, and knows us by our key': [`${PROVIDER}.clientKey`],
  },
  'attacks/client-documents': {
    'a client with a document on a trusted host needs no registration': [
      'identity.server.clientDocuments.{hosts,privateNetworks,ca}',
    ],
  },
  'e2e/identity-assertions': {
    'is advertised, becomes a token of one resource, and calls a tool': [
      `${ASSERTED}.{issuer,ca,tenant.claim,tenant.map.NAME,roles.claim,roles.map.NAME}`,
    ],
    'gives scopes that are asserted, allowed, and asked for': [`${ASSERTED}.scopes`],
    'say who is meant, how long an assertion may live and how far clocks may differ': [
      `${ASSERTED}.{subjectClaim,maxSeconds,clockSkewSeconds}`,
    ],
    'means the account to which its subject is linked, and nobody when there is no link': [`${ASSERTED}.account`],
    'means the account that its claim names, with the roles of that account, as long as it is enabled': [
      `${ASSERTED}.account.claim`,
    ],
    'may present assertions without a key of its own only where that is allowed': [
      'identity.server.assertions.publicClients',
    ],
  },
  'attacks/signatures': {
    'a signed request passes, once': ['identity.signatures.keys[].{id,algorithm,publicKey,credential}'],
    'a large request, which comes in many pieces, and a shared secret are as good': [
      'identity.signatures.keys[].secret',
    ],
    'no signature where one is demanded opens neither the upstream nor the aggregate, whoever calls': [
      `${UPSTREAM}.signatures.callers`,
    ],
  },
  'e2e/conditions': {
    'ready-made roles do what the guide says, and are named on record': ['policy.{files,builtin}'],
  },
  'e2e/tenants': {
    'a policy of one tenant decides about its calls alone, and its chain names it': ['tenants.NAME.policy.files'],
    'a role of one tenant means nothing in another': ['tenants.NAME.policy.roles'],
    'a tenant has as many calls under way as it may have, and keeps nobody else waiting': [
      'tenants.NAME.limits.concurrency',
    ],
  },
  'attacks/tenants': {
    "${method} of another tenant's path is answered like one of no path at all, and is on record": [
      'tenants.NAME.upstreams',
    ],
  },
  'e2e/administration-nouns': {
    'of one tenant looks after it alone, and of `administration.tenant` after all': ['administration.tenant'],
  },
}
