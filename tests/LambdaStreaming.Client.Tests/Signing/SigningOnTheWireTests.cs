using System.Globalization;
using System.Text;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Signing;
using LambdaStreaming.Signing;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests.Signing;

[Trait("Repeats", "ForMinutes")]
public class SigningOnTheWireTests
{
    [Theory]
    [InlineData("my-function:$LATEST", "my-function%3A%24LATEST")]
    [InlineData("a/b", "a%2Fb")]
    [InlineData("a b+c%20d", "a%20b%2Bc%2520d")]
    [InlineData("a?b#c", "a%3Fb%23c")]
    [InlineData("!*'()~-._@&=,;", "%21%2A%27%28%29~-._%40%26%3D%2C%3B")]
    [InlineData("función-ñ", "funci%C3%B3n-%C3%B1")]
    [InlineData("a\\b|c\"<>^`{}", "a%5Cb%7Cc%22%3C%3E%5E%60%7B%7D")]
    public async Task InvokeWithResponseStreamAsync_OddName_StandsOnTheWireAsItWasSigned(string name, string encoded)
    {
        await using var service = new RawService();
        using var client = new LambdaStreamingClient(service.Options());

        await using var response = await client.InvokeWithResponseStreamAsync(DryRun(name) with { Qualifier = name, TenantId = "a  b" }, TestContext.Current.CancellationToken);

        var head = service.Head;
        var target = $"/2021-11-15/functions/{encoded}/response-streaming-invocations?Qualifier={encoded}";
        Assert.Equal($"POST {target} HTTP/1.1", head.Split("\r\n")[0]);
        Assert.Equal(service.Url.Authority, RawService.Header(head, "Host"));
        Assert.Equal(Resigned(service.Url, target, head), RawService.Header(head, "Authorization"));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_PrefixInTheUrl_IsSentAndSigned()
    {
        await using var service = new RawService();
        var options = service.Options();
        options.ServiceUrl = new Uri(service.Url, "/base/v1/");
        using var client = new LambdaStreamingClient(options);

        await using var response = await client.InvokeWithResponseStreamAsync(DryRun("f"), TestContext.Current.CancellationToken);

        const string Target = "/base/v1/2021-11-15/functions/f/response-streaming-invocations";
        Assert.StartsWith($"POST {Target} HTTP/1.1\r\n", service.Head, StringComparison.Ordinal);
        Assert.Equal(Resigned(service.Url, Target, service.Head), RawService.Header(service.Head, "Authorization"));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_TenThousandRandomRequests_TheServersVerifierAgrees()
    {
        const int Requests = 10_000;
        var seed = Random.Shared.Next();
        var token = new SessionAWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/token+with=marks");
        await using var server = await LocalLambdaServer.StartAsync(options => options.Credentials = token, TestContext.Current.CancellationToken);
        using var client = new LambdaStreamingClient(new LambdaStreamingClientOptions { Region = server.Region, Credentials = token, ServiceUrl = server.ServiceUrl });

        await Parallel.ForAsync(0, Requests, TestContext.Current.CancellationToken, async (i, cancellationToken) =>
        {
            var request = RandomRequest(new Random(HashCode.Combine(seed, i)));
            try
            {
                await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
                Assert.Fail($"There is no function on the server, but {request} was answered. Seed {seed}, request {i}.");
            }
            catch (LambdaServiceException exception)
            {
                // The server verifies the signature before it looks for the function.
                if (exception.ErrorCode is not ("ResourceNotFoundException" or "InvalidParameterValueException"))
                    Assert.Fail($"{exception.ErrorCode} for {request}, tenant '{request.TenantId}'. Seed {seed}, request {i}. {exception.Message}");
            }
        });

        Assert.Equal(Requests, server.Requests.Count);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_WrongKey_TheServersVerifierRefuses()
    {
        await using var server = await LocalLambdaServer.StartAsync(_ => { }, TestContext.Current.CancellationToken);
        var keys = await server.Credentials.GetCredentialsAsync();
        using var client = new LambdaStreamingClient(new LambdaStreamingClientOptions { Region = server.Region, Credentials = new BasicAWSCredentials(keys.AccessKey, keys.SecretKey + "x"), ServiceUrl = server.ServiceUrl });

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(new("f"), TestContext.Current.CancellationToken));

        Assert.Equal("InvalidSignatureException", exception.ErrorCode);
    }

    private static InvokeWithResponseStreamRequest DryRun(string name) => new(name) { InvocationType = InvocationType.DryRun };

    // The signature of what stood on the wire, which may differ from what stood in the request.
    private static string Resigned(Uri url, string target, string head)
    {
        var request = new AWSSigningRequest
        {
            HttpMethod = HttpMethod.Post,
            RequestUri = new Uri(url.GetLeftPart(UriPartial.Authority) + target),
            ContentStream = new MemoryStream(),
        };
        foreach (var header in head.Split("\r\n").Skip(1).Select(line => line.Split(": ", 2)))
        {
            if (header[0].StartsWith("X-Amz-", StringComparison.OrdinalIgnoreCase) && !header[0].Equals("X-Amz-Date", StringComparison.OrdinalIgnoreCase))
                request.Headers[header[0]] = header[1];
        }

        var signedAt = DateTimeOffset.ParseExact(
            RawService.Header(head, "X-Amz-Date")!,
            "yyyyMMdd'T'HHmmss'Z'",
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal);
        var keys = StubbedClient.Options().Credentials!.GetCredentials();
        return RequestSigner.Sign(request, keys, RegionEndpoint.USEast1, signedAt)["Authorization"];
    }

    private static InvokeWithResponseStreamRequest RandomRequest(Random random)
    {
        // One colon at most: with more, the server does not take it for a function's name, and looks at nothing else.
        var name = ("f" + RandomText(random, 40, ascii: false)).Split(':', 3) is [var first, var second, ..] ? $"{first}:{second}" : "f-" + RandomText(random, 40, ascii: false).Replace(':', '-');
        var request = new InvokeWithResponseStreamRequest(name) { Payload = RandomPayload(random) };
        if (random.Next(2) == 0) request = request with { Qualifier = RandomText(random, 20, ascii: false) };
        if (random.Next(3) == 0) request = request with { TenantId = RandomText(random, 30, ascii: true) };
        if (random.Next(3) == 0) request = request with { ClientContext = Convert.ToBase64String(RandomPayload(random)) };
        if (random.Next(3) == 0) request = request with { LogType = (LogType)random.Next(2) };
        if (random.Next(3) == 0) request = request with { InvocationType = (InvocationType)random.Next(2) };
        return request;
    }

    private static byte[] RandomPayload(Random random)
    {
        var payload = new byte[random.Next(5) == 0 ? 0 : random.Next(300)];
        random.NextBytes(payload);
        return payload;
    }

    private static string RandomText(Random random, int longest, bool ascii)
    {
        var text = new StringBuilder();
        for (var left = random.Next(longest + 1); left > 0; left--)
        {
            text.Append(random.Next(ascii ? 3 : 4) switch
            {
                0 => "abcXYZ019-_."[random.Next(12)].ToString(),
                1 => ":$/%+ =&?#~*'()!@,;"[random.Next(19)].ToString(),
                2 => ((char)random.Next(' ', 0x7f)).ToString(),
                // Not the surrogates; those above come as pairs.
                _ => char.ConvertFromUtf32(random.Next(2) == 0 ? random.Next(0xa0, 0xd800) : random.Next(0xe000, 0x10ffff)),
            });
        }

        return text.ToString();
    }
}
