// One Socket.IO node: `node server.mjs PORT VALKEY_SOCKET`. What is chosen, and why, is in ../socketio_node.py.

import { createServer } from "node:http";

import { createAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";

const [port, path] = process.argv.slice(2);

const pubClient = new Redis({ path });
const subClient = pubClient.duplicate();

const httpServer = createServer({ keepAliveTimeout: 3_600_000 }); // ms; the default hangs up after 5 s without a request
const io = new Server(httpServer, {
  adapter: createAdapter(pubClient, subClient),
  transports: ["polling"],
  httpCompression: false,
  serveClient: false,
});

io.engine.on("connection", (rawSocket) => {
  rawSocket.request = null; // "Discard the initial HTTP request", from the performance tips
});

io.on("connection", (socket) => {
  socket.join(socket.handshake.auth.user);
  socket.on("send", (to, text, acknowledge) => {
    io.to(to).emit("message", text);
    acknowledge?.();
  });
});

httpServer.listen({ host: "127.0.0.1", port: Number(port), backlog: 16_384 });
