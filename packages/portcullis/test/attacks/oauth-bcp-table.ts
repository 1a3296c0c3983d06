// What RFC 9700 demands of an authorization server, a resource server and a client, each of which the gateway is, and the tests
// that prove it. In words of our own; a proof is the file and the beginning of the title.

type Proof = readonly [file: string, title: string]

interface Row {
  readonly section: string
  readonly requires: string
  readonly proofs: readonly Proof[]
}

const BCP = 'attacks/oauth-bcp'
const SERVER = 'attacks/authorization-server'
const PAGES = 'attacks/sign-in'
const PROVIDERS = 'attacks/outside-providers'
const UPSTREAMS = 'attacks/upstream-oauth'

/** In the order of the document. §3 describes attackers and demands nothing. */
export const SECTIONS: readonly string[] = [
  ...['2.1', '2.1.1', '2.1.2', '2.2.1', '2.2.2', '2.3', '2.4', '2.5', '2.6'],
  ...[
    '4.1.3',
    '4.2.4',
    '4.3.1',
    '4.3.2',
    '4.4.2',
    '4.5.3',
    '4.6.1',
    '4.7.1',
    '4.8.2',
    '4.9.1',
    '4.9.2',
    '4.10.1',
    '4.10.2',
  ],
  ...['4.11.1', '4.11.2', '4.12', '4.13', '4.14.2', '4.15.1', '4.16', '4.17.2'],
]

const row = (section: string, requires: string, ...proofs: readonly Proof[]): Row => ({ section, requires, proofs })

export const ROWS: readonly Row[] = [
  row('2.1', 'redirects are compared character by character', [SERVER, 'nobody is sent to ${redirect}, which is not']),
  row('2.1', 'only the port of a program on the device may vary', [SERVER, 'a program on the device may use any port']),
  row('2.1', 'there is no open redirector', [BCP, 'no parameter of any page leads to another site']),
  row(
    '2.1',
    'answers to forged requests are told from our own',
    [PROVIDERS, 'a link that an attacker has prepared does not sign in'],
    [UPSTREAMS, 'refuses a callback in another browser'],
  ),
  row(
    '2.1',
    'of several servers none is taken for another',
    [PROVIDERS, 'an answer of one provider at the address of another is a mix-up'],
    [SERVER, 'an answer names its issuer, so that a client cannot mix up two servers'],
  ),
  row('2.1', 'nothing with credentials is forwarded', [BCP, 'no answer to a form with a password is a redirect']),

  row('2.1.1', 'public clients need PKCE', [SERVER, 'a request ${title} gets an error and never a code']),
  row('2.1.1', 'confidential clients need it too', [BCP, 'a client that keeps a secret needs a challenge too']),
  row('2.1.1', 'the challenge is S256 and no other', [SERVER, 'a request ${title} gets an error and never a code']),
  row('2.1.1', 'a challenge that was sent is enforced', [SERVER, 'a code without its verifier, or with another one']),
  row(
    '2.1.1',
    'challenge and nonce belong to one transaction of one browser',
    [PROVIDERS, 'the request that leaves is code with PKCE, a nonce'],
    ['e2e/upstream-oauth', 'asks with PKCE, for this very resource'],
  ),
  row('2.1.1', 'the metadata say that PKCE is there', [BCP, 'the metadata say what is supported']),

  row('2.1.2', 'no token leaves in an address', [SERVER, 'a request ${title} gets an error and never a code']),
  row('2.1.2', 'the implicit grant does not exist', [BCP, 'the metadata say what is supported']),

  row(
    '2.2.1',
    'access tokens can be bound to their sender',
    ['e2e/authorization-flows', 'a token with a proof of possession is bound to its key'],
    ['e2e/client-certificates', 'a token that is bound to a certificate is good on its connections alone'],
    ['e2e/proof-of-possession', 'a bound token opens nothing as a bearer'],
  ),
  row(
    '2.2.2',
    'refresh tokens of public clients are replaced at each use, or bound',
    [SERVER, 'a refresh token that is used twice ends its family'],
    [BCP, 'a refresh token that is bound to a key is worth nothing without it'],
  ),

  row(
    '2.3',
    'a token is for one resource, which refuses all others',
    ['e2e/sign-in', 'a token for one upstream opens no other'],
    ['e2e/outside-tokens', 'a good token opens the upstream that it was issued for, and no other'],
  ),
  row(
    '2.3',
    'a token can do what was consented to and no more',
    ['e2e/authorization-flows', 'a client gets the scope that a person has consented to, and no other'],
    ['e2e/scopes', 'a message without the scope of its upstream is refused'],
  ),

  row('2.4', 'passwords are no grant', [BCP, 'a password at the token endpoint gives nothing']),

  row('2.5', 'clients prove themselves', [SERVER, 'a client that does not prove itself gets nothing']),
  row('2.5', 'they can by a key', ['e2e/authorization-flows', 'a program proves itself by its key, each proof once']),

  row(
    '2.6',
    'metadata are published, of this issuer alone',
    ['e2e/sign-in', 'metadata are at every form that clients try'],
    ['e2e/resource-metadata', 'each path has its own document'],
  ),
  row('2.6', 'clients do not choose their ids', [BCP, 'a client chooses neither its id nor whom it passes for']),
  row('2.6', 'TLS from end to end', ['e2e/transport', 'plain text on the TLS port reaches nothing']),
  row('2.6', 'answers go over TLS or stay on the device', [
    'identity/server/redirects',
    'whatever text it is, it is judged',
  ]),
  row('2.6', 'no CORS at the authorization endpoint', [BCP, 'the authorization endpoint shares nothing']),

  row(
    '4.1.3',
    'a code of one redirect is none for another',
    [SERVER, 'nobody is sent to ${redirect}, which is not'],
    [SERVER, 'a code of one address is none for another'],
  ),
  row('4.1.3', 'http leads to the device only', ['identity/server/redirects', 'no code is sent to ${uri']),

  row('4.2.4', 'pages load nothing of others and send no Referer', [BCP, 'no page loads anything of others']),
  row('4.2.4', 'a code is good once', [SERVER, 'a code that is used twice ends what it gave']),
  row('4.2.4', 'a state is good once', [PROVIDERS, 'a code is good once, and so is a state']),
  row('4.2.4', 'an answer can go by a form', ['e2e/authorization-flows', 'a form that has to go to another site']),

  row('4.3.1', 'a code in a history is worth nothing', [BCP, 'a code is worth nothing a minute later']),
  row('4.3.1', 'nor is one without its verifier', [SERVER, 'a code without its verifier, or with another one']),
  row('4.3.2', 'no token in a query', ['e2e/resource-metadata', 'a credential in a query is refused']),

  row('4.4.2', 'each answer names its issuer', [SERVER, 'an answer names its issuer']),
  row('4.4.2', 'errors do too', [SERVER, 'a request ${title} gets an error and never a code']),
  row(
    '4.4.2',
    'as a client we compare the issuer, and have a redirect for each',
    [PROVIDERS, 'an answer that ${title} signs in nobody'],
    [PROVIDERS, 'an answer of one provider at the address of another is a mix-up'],
    [UPSTREAMS, 'refuses a callback with ${what}'],
  ),

  row(
    '4.5.3',
    'a stolen code is of no use in another transaction',
    [SERVER, 'a code of one client is none for another'],
    [SERVER, 'a code without its verifier, or with another one'],
    [PROVIDERS, 'an answer that belongs to the sign-in of somebody else signs in neither'],
  ),
  row('4.5.3', 'many at once change nothing about it', [SERVER, 'of 50 who present one code at once at most one']),

  row('4.6.1', 'tokens come from the token endpoint alone', [BCP, 'the metadata say what is supported']),

  row(
    '4.7.1',
    'what people decide is decided on our page, in their browser',
    [PAGES, 'a consent with ${title} is no consent'],
    [PAGES, 'a form from a foreign page is refused by its origin'],
    [PAGES, 'an address alone opens nothing: the cookie says whose it is'],
  ),
  row(
    '4.7.1',
    'as a client we take no answer that we have not asked for',
    [PROVIDERS, 'a link that an attacker has prepared does not sign in the victim'],
    [UPSTREAMS, 'accepts a callback once'],
  ),

  row('4.8.2', 'without a challenge there is no code', [SERVER, 'a request ${title} gets an error and never a code']),
  row('4.8.2', 'a verifier needs its challenge', [BCP, 'a client that keeps a secret needs a challenge too']),
  row('4.8.2', 'a pushed challenge stays', [BCP, 'a challenge that was pushed is not taken away']),

  row(
    '4.9.1',
    'a token that another server got is of no use here',
    ['e2e/outside-tokens', 'a good token opens the upstream that it was issued for, and no other'],
    ['attacks/proofs', 'cannot use it at another upstream'],
  ),
  row(
    '4.9.2',
    'tokens are kept and told to nobody, upstreams included',
    ['e2e/outside-tokens', 'the token itself reaches neither the upstream nor the log'],
    ['e2e/sign-in', 'sign-in, consent and each token are on record, and no secret is'],
    ['e2e/authorization-server', 'no code, token, session or secret lies in the store as it is'],
  ),

  row(
    '4.10.1',
    'a stolen token is of no use without the key',
    ['attacks/proofs', 'gets nowhere without a proof, in either scheme'],
    ['attacks/proofs', 'gets nowhere with a key of their own'],
    ['attacks/client-certificates', 'that somebody else holds the key of ends the handshake'],
  ),
  row('4.10.1', 'a proof is good once', ['e2e/proof-of-possession', 'a proof is good once, whoever presents it']),
  row(
    '4.10.2',
    'the audience is compared by every path',
    ['e2e/scopes', 'a token is good for the path that it names and for no other'],
    ['e2e/sign-in', 'the aggregate is a resource of its own'],
  ),

  row('4.11.1', 'as a client we redirect to nobody', [BCP, 'no parameter of any page leads to another site']),
  row('4.11.2', 'a wrong redirect leads nowhere', [SERVER, 'nobody is sent to ${redirect}, which is not']),
  row('4.11.2', 'a stranger gets no visitor by failing', [BCP, 'a client that introduced itself gets nobody sent']),
  row(
    '4.11.2',
    'nobody goes on to a provider or a client unseen',
    ['attacks/client-approval', 'before anybody is sent to a provider they see who asks'],
    ['attacks/client-approval', 'a request of the attacker ends at the page'],
  ),

  row('4.12', 'redirects after credentials are 303', [BCP, 'no answer to a form with a password is a redirect']),

  row('4.13', 'headers of certificates are not believed', [
    'attacks/client-certificates',
    'in a header is never believed',
  ]),
  row('4.13', 'nor are those of the way', ['e2e/authorization-server', 'behind a proxy that speaks TLS, addresses']),
  row('4.13', 'nor those of credentials', [
    'e2e/resource-metadata',
    'a credential is taken from the Authorization header',
  ]),

  row('4.14.2', 'bound to scope and resource', [
    SERVER,
    'a refresh can ask for no other resource and no further scope',
  ]),
  row(
    '4.14.2',
    'a replay ends the family, however many there are at once',
    [SERVER, 'a refresh token that is used twice ends its family'],
    [SERVER, 'of 50 who refresh at once at most one gets tokens'],
  ),
  row(
    '4.14.2',
    'they end with what they rest upon',
    ['e2e/sign-in', 'a new password ends the sign-ins of the old one'],
    ['e2e/closed-ways', 'who came in by a password alone is out when a code is demanded'],
    [PAGES, 'signing out ends the tokens of this browser'],
  ),
  row('4.14.2', 'they end when unused', ['e2e/authorization-server', 'the configured times are those of tokens']),

  row('4.15.1', 'a client is told from a person', [BCP, 'a client chooses neither its id nor whom it passes for']),
  row(
    '4.15.1',
    'nobody who introduces themselves acts in their own name',
    ['attacks/client-documents', 'a documented client has no rights of its own'],
    ['identity/server/own-tokens', 'a client in its own name is a client'],
  ),

  row(
    '4.16',
    'no page stands in a frame',
    [PAGES, 'each page forbids scripts, frames and foreign forms'],
    ['attacks/client-approval', 'the page that asks stands in no frame'],
  ),

  row('4.17.2', 'no window gets a message', [BCP, 'the response mode ${mode} does not exist']),
]
