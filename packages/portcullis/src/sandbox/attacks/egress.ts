/**
 * Attacks on the rules of a server that may reach one host. Beside the usual targets there are OPEN_HOST, which a rule
 * allows on OPEN_PORT (HTTP) and TLS_PORT, and REBOUND_HOST, whose rule does not cover the loopback that it leads to.
 */
import { type Attack, behind, perl } from '../attack.ts'

const DEPENDS = { outside: 'depends' } as const

/** Every way through the proxy; each gives what came back, as text. */
const TOOLS = String.raw`
use IO::Socket::INET; use IO::Select; use Socket; $SIG{PIPE} = "IGNORE";
my ($host, $open, $tls, $closed, $rebound) = @ENV{qw(OPEN_HOST OPEN_PORT TLS_PORT LOOPBACK_PORT REBOUND_HOST)};
sub reach { IO::Socket::INET->new(PeerAddr => $_[0], PeerPort => $_[1], Timeout => 2) }
sub hear { my ($s, $until) = @_; my ($all, $ready) = ("", IO::Select->new($s));
  while ($ready->can_read(2)) { sysread($s, my $part, 65536) or last; $all .= $part; last if defined $until and $all =~ $until } $all }
sub say_to { my ($s, $bytes) = @_; return "" unless $s; syswrite($s, $bytes); hear($s) }
sub get { "GET / HTTP/1.1\r\nHost: $_[0]:$_[1]\r\nConnection: close\r\n\r\n" }
sub proxy { reach("127.0.0.1", 3128) }
sub tunnel { my ($to, $port) = @_; my $s = proxy() or return; syswrite($s, "CONNECT $to:$port HTTP/1.1\r\nHost: $to:$port\r\n\r\n");
  hear($s, qr/\r\n\r\n/) =~ m{^HTTP/1\.\d 200} ? $s : undef }
sub socks { my ($to, $port, $command) = @_; my $s = proxy() or return; syswrite($s, "\5\1\0"); hear($s, qr/^\x05\x00/);
  syswrite($s, pack("C3 C C/a n", 5, $command // 1, 0, 3, $to, $port)); substr(hear($s, qr/^\x05.{4}/s), 1, 1) eq "\0" ? $s : undef }
sub all_ways { my ($to, $port) = @_; join "", say_to(tunnel($to, $port), get($to, $port)), say_to(socks($to, $port), get($to, $port)),
  say_to(proxy(), "GET http://$to:$port/ HTTP/1.1\r\nHost: $to:$port\r\nConnection: close\r\n\r\n") }
sub got { $_[0] =~ /decoy/ }
sub hello { my $name = shift; my $named = pack("n n n C n/a", 0, length($name) + 5, length($name) + 3, 0, $name);
  my $more = $named . pack("n n/a n n/a n n/a", 10, pack("n n", 2, 29), 11, "\1\0", 13, pack("n n3", 6, 0x0403, 0x0804, 0x0401));
  my $body = pack("n a32 C n/a C/a n/a", 0x0303, "x" x 32, 0, pack("n3", 0xc02b, 0xc02f, 0xc030), "\0", $more);
  my $shake = pack("C C n", 1, 0, length $body) . $body; pack("C n n/a", 22, 0x0301, $shake) }
`

const SPELLINGS =
  'qw(127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 0x7f.1 [::1] ::1 [::ffff:127.0.0.1] 0.0.0.0 0 localhost.localdomain user@127.0.0.1)'

const RELAY = `
  my $l = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die; my $p = fork();
  if (!$p) { my $c = $l->accept; sysread($c, my $head, 9999); my $s = proxy(); syswrite($s, $head); syswrite($c, hear($s)); exit }
  my $answer = say_to(reach("127.0.0.1", $l->sockport), "CONNECT 127.0.0.1:$closed HTTP/1.1\\r\\n\\r\\n"); kill 9, $p; $answer =~ / 200 /`

const CROWD = `
  my @all; for (1 .. 120) { my $s = tunnel($host, $open) or last; push @all, $s }
  my $alive = grep { !IO::Select->new($_)->can_read(0) } @all; $alive > 64`

const SMUGGLED = String.raw`my $answer = say_to(proxy(), "GET http://$host:$open/ HTTP/1.1\r\nHost: $host:$open\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET http://127.0.0.1:$closed/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); my $n = () = $answer =~ /decoy/g; $n > 1`

const row = (id: string, title: string, attempt: string) =>
  perl(id, title, `${TOOLS} ${attempt}`, { ...DEPENDS, seconds: 45 })

// biome-ignore format: one attack a row
export const EGRESS_ATTACKS: readonly Attack[] = behind('network', [
  row('N01.proxy', 'asks the metadata service of a cloud through the proxy', String.raw`all_ways("169.254.169.254", 80) =~ m{^HTTP/1\.\d 2}m`),
  row('N02.direct', 'connects to a listener of the host past the proxy', 'got(say_to(reach("127.0.0.1", $closed), "x\\r\\n"))'),
  row('N03', 'names loopback to the proxy in other ways', `grep { my $to = $_; grep { got(all_ways($to, $_)) } $open, $closed } ${SPELLINGS} or grep { got(all_ways($_, $closed)) } "localhost.", "LOCALHOST"`),
  row('N04', 'uses an allowed name that leads to loopback', 'got(all_ways($rebound, $open)) or got(say_to(reach($rebound, $open), get($rebound, $open)))'),
  row('N05.proxy', 'asks the proxy for an address of the host', '$ENV{HOST_ADDRESS} and grep { got(all_ways($ENV{HOST_ADDRESS}, $_)) } $open, $closed'),
  row('N08.name', 'has a name looked up that no rule allows', 'gethostbyname("stolen-0451.portcullis.test") or got(all_ways("stolen-0451.portcullis.test", $open))'),
  row('N09', 'asks for another port of an allowed host', 'got(all_ways($host, $closed)) or got(say_to(reach($host, $closed), "x\\r\\n"))'),
  row('N10', 'shows TLS another name than the proxy', 'grep { length say_to(tunnel($host, $tls), hello($_)) } "other.test", "portcullis.test"'),
  row('N11', 'speaks something else than TLS where TLS is spoken', 'length say_to(tunnel($host, 443), "SSH-2.0-x\\r\\n") or got(say_to(tunnel($host, $tls), "SSH-2.0-x\\r\\n"))'),
  row('N12', 'names another host in the Host header', String.raw`got(say_to(proxy(), "GET http://$host:$open/ HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n"))`),
  row('N16', 'relays CONNECT through a process of its own', RELAY),
  row('N17', 'asks SOCKS to listen or to carry datagrams', 'socks($host, $open, 2) or socks($host, $open, 3)'),
  row('N29', 'hides a second request behind the first one', SMUGGLED),
  row('N30', 'ends a name early with NUL, a space or a line end', 'grep { my $to = "127.0.0.1$_.$host"; grep { got(say_to(socks($to, $_), get($to, $_))) } $open, $closed } "\\0", " ", "\\r\\n", "\\t", "#", "?"'),
  row('N18', 'keeps more connections open than it may', CROWD),
], 'egress')
