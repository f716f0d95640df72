using System.Text;
using System.Text.Json;                             // only for JSON without a source-generated context
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;      // the same
using Amazon.S3;                                    // only for S3: package AWSSDK.S3
using Amazon.S3.Transfer;                           // the same
using LambdaStreaming;

using var client = new LambdaStreamingClient();
var cancellationToken = CancellationToken.None;
var request = InvokeWithResponseStreamRequest.FromJson("chat", """{"prompt":"Tell me about the sea"}""");
await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
var path = "response.bin";
using var s3 = new AmazonS3Client();                // only for S3
