# Makes a certificate for this machine: hub.crt for those who trust it, hub.pem for the hub.
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=localhost" \
  -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
  -keyout hub.key -out hub.crt 2>/dev/null
cat hub.key hub.crt >hub.pem
