using System.Net;                                        // these two and the files: only for certificates
using System.Security.Cryptography.X509Certificates;
using Amazon;
using LambdaStreaming;

var (authorityFile, certificateFile, password) = ("ca.pem", "client.pfx", "password");
