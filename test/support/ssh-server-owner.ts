import ssh2 from 'ssh2';
import { sshServerKinds, startSshServer } from './ssh-server.ts';

/*
 * Stands for a test that is killed: starts an SSH server of the kind in its first argument, runs the command in
 * $COMMAND there and waits for its end.
 */

const kind = sshServerKinds.find((candidate) => candidate === process.argv[2]);
if (!kind) throw new Error(`no such kind of server: ${process.argv[2]}`);
const server = await startSshServer(kind);
const client = new ssh2.Client();
client.once('ready', () => client.exec(process.env['COMMAND'] ?? '', () => {}));
client.connect({
  host: server.host,
  port: server.port,
  username: server.user,
  privateKey: server.privateKey,
});
