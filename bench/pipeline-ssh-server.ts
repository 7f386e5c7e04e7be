import { sshServerKinds, startSshServer } from '../test/support/ssh-server.ts';

/* An SSH server of the tests in a process of its own, of the kind in its first argument. Says how to sign in, on one line. */

const kind = sshServerKinds.find((one) => one === process.argv[2]);
if (!kind) throw new Error(`no such kind of server here: ${process.argv[2]}`);
const server = await startSshServer(kind);
const { host, port, user, privateKey } = server;
console.log(JSON.stringify({ host, port, user, privateKey }));
process.once('SIGTERM', () => void server.stop().then(() => process.exit()));
