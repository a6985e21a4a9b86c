// What a WHIP client reads and writes of SDP and of Link headers. Pure.

/**
 * STUN and TURN servers (RFC 9725 4.6).
 *
 * @param {string} link the Link header
 * @returns {RTCIceServer[]}
 */
export function iceServers(link) {
  const servers = [];
  for (const [, urls, attributes] of link.matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+="(?:[^"\\]|\\.)*")*)/g)) {
    const pairs = [...attributes.matchAll(/([\w-]+)="((?:[^"\\]|\\.)*)"/g)];
    const said = Object.fromEntries(pairs.map(([, name, value]) => [name, value.replace(/\\(.)/g, "$1")]));
    if (said.rel === "ice-server") {
      const { username, credential } = said;
      servers.push(username === undefined ? { urls } : { urls, username, credential });
    }
  }
  return servers;
}

/** What is sent for an ICE restart (RFC 9725 4.3.3): an offer's new credentials. @returns {string} */
export function iceFragment(offer) {
  const [session, first] = offer.split(/(?=^m=)/m).map((section) => section.trim().split(/\r?\n/));
  const told = (lines, names) => lines.filter((line) => names.some((name) => line.startsWith(`a=${name}:`)));
  const transport = told(first, ["mid", "ice-ufrag", "ice-pwd"]);
  return `${[...told(session, ["ice-options", "group"]), first[0], ...transport].join("\r\n")}\r\n`;
}

/** A former answer with the credentials and candidates of the fragment that answers a restart. @returns {string} */
export function restarted(answer, fragment) {
  const fresh = fragment.trim().split(/\r?\n/);
  const candidates = fresh.filter(isCandidate);
  const credentials = ["a=ice-ufrag:", "a=ice-pwd:"].map((name) => fresh.find((line) => line.startsWith(name)));
  const lines = answer
    .trim()
    .split(/\r?\n/)
    .filter((line) => !isCandidate(line))
    .map((line) => credentials.find((credential) => credential?.split(":")[0] === line.split(":")[0]) ?? line);
  // the other tracks are bundled with the first, and so are its candidates
  lines.splice(lines.findIndex((line) => line.startsWith("a=ice-pwd:")) + 1, 0, ...candidates);
  return `${lines.join("\r\n")}\r\n`;
}

function isCandidate(line) {
  return line.startsWith("a=candidate:") || line === "a=end-of-candidates";
}
