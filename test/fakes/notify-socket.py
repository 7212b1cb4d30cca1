# The other end of sd_notify, as the kernel has it: a Unix datagram socket of Python's own; prints each datagram as one line of JSON.
import json, socket, sys

address = sys.argv[1]
listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listening.bind('\0' + address[1:] if address.startswith('@') else address)
print(json.dumps('bound'), flush=True)
while True:
    print(json.dumps(listening.recv(65536).decode()), flush=True)
