using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace LambdaStreaming.Testing.Tests;

/// <summary>Requests that the service rejects.</summary>
public class InvalidRequestTests
{
    private const string Unparsed = "Could not parse request body into json: Could not parse payload into json";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("80", "start byte 0x80")]
    [InlineData("C0AF", "start byte 0xc0")]
    [InlineData("E080AF", "middle byte 0x80")]
    [InlineData("F08080AF", "middle byte 0x80")]
    [InlineData("E28222", "middle byte 0x22")]
    [InlineData("EDA080", "middle byte 0xa0")]
    [InlineData("EDBFBF", "middle byte 0xbf")]
    [InlineData("F4908080", "middle byte 0x90")]
    [InlineData("F5808080", "start byte 0xf5")]
    [InlineData("FF", "start byte 0xff")]
    public async Task Invoke_StringInPayloadIsNotUtf8_ReturnsInvalidRequestContentException(string hex, string problem)
    {
        byte[] text = [.. "é😀"u8, .. Convert.FromHexString(hex)];

        byte[] value = [.. "\""u8, .. text, .. "\""u8];
        byte[] name = [.. "{\"a\":{\""u8, .. text, .. "\":1}}"u8];
        foreach (var payload in (byte[][])[value, name])
        {
            var error = await GetErrorAsync(payload);

            Assert.Equal((400, "InvalidRequestContentException"), (error.Status, error.Code));
            Assert.StartsWith($"{Unparsed}: Invalid UTF-8 {problem}", error.Message);
        }
    }

    [Fact]
    public async Task Invoke_PayloadEndsWithinACharacter_ReturnsInvalidRequestContentException()
    {
        var error = await GetErrorAsync([.. "\"a"u8, 0xE2, 0x82]);

        Assert.Equal((400, "InvalidRequestContentException"), (error.Status, error.Code));
    }

    [Theory]
    [InlineData(65)]
    [InlineData(3_000_000)]
    public async Task Invoke_PayloadIsDeeplyNested_RunsTheFunction(int depth)
    {
        int? received = null;
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("f", (invocation, _, _) =>
            {
                received = invocation.Payload.Length;
                return Task.CompletedTask;
            }),
            Token);
        using var http = new SignedHttp(server);

        var payload = new string('[', depth) + new string(']', depth);
        using var response = await http.InvokeAsync("f", Encoding.UTF8.GetBytes(payload));
        await response.Content.ReadAsByteArrayAsync(Token);

        Assert.Equal((HttpStatusCode.OK, 2 * depth), (response.StatusCode, received));
    }

    [Theory]
    [InlineData("string")]
    [InlineData("{}")]
    [InlineData("bnVsbA==")]
    [InlineData("W10=")]
    [InlineData("InRleHQi")]
    [InlineData("eyJhIjox")]
    [InlineData("e30ge30=")]
    [InlineData("eyJhIjoigCJ9")]
    [InlineData("eyJhIjoi7aCAIn0=")]
    public async Task Invoke_ClientContextIsNotBase64OfAJsonObject_ReturnsInvalidRequestContentException(
        string clientContext)
    {
        var error = await GetErrorAsync("{}"u8.ToArray(), clientContext);

        Assert.Equal((400, "InvalidRequestContentException"), (error.Status, error.Code));
        Assert.Equal("Client context must be a valid Base64-encoded JSON object.", error.Message);
    }

    [Fact]
    public async Task Invoke_PayloadAndClientContextAreInvalid_ReportsThePayload()
    {
        var error = await GetErrorAsync("e30="u8.ToArray(), "string");

        Assert.StartsWith(Unparsed + ": ", error.Message);
    }

    [Fact]
    public async Task RequireJsonPayload_False_FunctionReceivesAnyBytes()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.RequireJsonPayload = false;
                s.AddFunction("f", (invocation, response, cancellationToken) =>
                    response.WriteAsync(invocation.Payload, cancellationToken));
            },
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("f", [0xFF, 0x00]);
        var messages = Messages.Decode(await response.Content.ReadAsByteArrayAsync(Token));

        Assert.Equal([0xFF, 0x00], messages[0].Payload);
    }

    [Theory]
    [InlineData("*")]
    [InlineData("my-function!")]
    [InlineData("invalid-account:function:f")]
    [InlineData("arn:aws:lambda:invalid-region:123456789012:function:f")]
    [InlineData("arn:aws:ec2:us-east-1:123456789012:instance:i-1234567890abcdef0")]
    [InlineData("arn:aws:lambda:us-east-1:123456789012:function:f:1:2")]
    [InlineData("function:f:$LATEST:extra")]
    [InlineData("arn:aws:lambda::123456789012:function:f")]
    [InlineData("arn:aws:lambda:us-east-1::function:f")]
    [InlineData("arn:aws:lambda:us-east-1:123456789012:function:f:$LATES")]
    [InlineData("arn:aws:lambda:us-east-1:123456789012@function:f")]
    [InlineData("f\n")]
    public async Task Invoke_FunctionNameIsInvalid_ReturnsValidationException(string name)
    {
        const string Pattern =
            @"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?"
            + @"(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";
        var expected = $"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: "
            + $"Member must satisfy regular expression pattern: {Pattern}";

        await AssertErrorAsync(name, "", (400, "ValidationException", expected));
    }

    [Fact]
    public async Task Invoke_QualifierIsInvalid_ReturnsValidationException() => await AssertErrorAsync(
        "f",
        "Qualifier=l%C3%BCve",
        (400, "ValidationException",
            "1 validation error detected: Value 'l\u00fcve' at 'qualifier' failed to satisfy constraint: "
            + @"Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"));

    [Fact]
    public async Task Invoke_QualifierIsTooLong_ReturnsValidationException()
    {
        string qualifier = new('a', 129);
        await AssertErrorAsync(
            "f",
            "Qualifier=" + qualifier,
            (400, "ValidationException",
                $"1 validation error detected: Value '{qualifier}' at 'qualifier' failed to satisfy constraint: "
                + "Member must have length less than or equal to 128"));
    }

    [Fact]
    public async Task Invoke_NameAndQualifierAreInvalid_ReportsBoth()
    {
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("f"), Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeBufferedAsync("*", query: "Qualifier=%21");
        var message = (string)JsonNode.Parse(await response.Content.ReadAsByteArrayAsync(Token))!["message"]!;

        Assert.StartsWith("2 validation errors detected: Value '!' at 'qualifier' failed", message);
        Assert.Contains("; Value '*' at 'functionName' failed", message);
    }

    [Fact]
    public async Task Invoke_QualifiersDiffer_ReturnsInvalidParameterValueException() => await AssertErrorAsync(
        "f:$LATEST",
        "Qualifier=1",
        (400, "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier."));

    [Theory]
    [InlineData("doesnotexist", "doesnotexist:$LATEST")]
    [InlineData("doesnotexist:live", "doesnotexist:live")]
    [InlineData("arn:aws:lambda:us-east-1:123456789012:function", "function:$LATEST")]
    public async Task Invoke_FunctionIsUnknown_ReturnsResourceNotFoundException(string name, string qualifiedName) =>
        await AssertErrorAsync(
            name,
            "",
            (404, "ResourceNotFoundException",
                "Function not found: arn:aws:lambda:us-east-1:123456789012:function:" + qualifiedName));

    [Fact]
    public async Task Invoke_InvocationTypeIsUnknown_ReturnsValidationException()
    {
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("f"), Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeBufferedAsync("f", invocationType: "dry_run");

        const string Expected = "1 validation error detected: Value 'dry_run' at 'invocationType' failed to satisfy "
            + "constraint: Member must satisfy enum value set: [DryRun, RequestResponse, Event]";
        Assert.Equal((400, "ValidationException", Expected), await ReadErrorAsync(response));
    }

    [Fact]
    public async Task InvokeWithResponseStream_InvocationTypeIsEvent_ReturnsInvalidParameterValueException()
    {
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("f"), Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("f", headers: h => h.Add("X-Amz-Invocation-Type", "Event"));

        (var status, var code, _) = await ReadErrorAsync(response);
        Assert.Equal((400, "InvalidParameterValueException"), (status, code));
    }

    /// <summary>Checks the error of both operations.</summary>
    private static async Task AssertErrorAsync(
        string name, string query, (int Status, string Code, string Message) expected)
    {
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("f"), Token);
        using var http = new SignedHttp(server);
        var segment = Uri.EscapeDataString(name);

        using var streaming = await http.InvokeAsync(segment, query: query);
        using var buffered = await http.InvokeBufferedAsync(segment, query: query);

        Assert.Equal(expected, await ReadErrorAsync(streaming));
        Assert.Equal(expected, await ReadErrorAsync(buffered));
    }

    /// <summary>Gets the error of both operations, which must be equal.</summary>
    private static async Task<(int Status, string Code, string Message)> GetErrorAsync(
        byte[] payload, string? clientContext = null)
    {
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("f"), Token);
        using var http = new SignedHttp(server);

        using var streaming = await http.InvokeAsync("f", payload, AddHeaders);
        using var buffered = await http.InvokeBufferedAsync("f", payload, headers: AddHeaders);
        using var asynchronous = await http.InvokeBufferedAsync("f", payload, "Event", AddHeaders);
        var error = await ReadErrorAsync(streaming);

        Assert.Equal(error, await ReadErrorAsync(buffered));
        Assert.Equal(error, await ReadErrorAsync(asynchronous));
        return error;

        void AddHeaders(HttpRequestHeaders headers)
        {
            if (clientContext is not null) headers.Add("X-Amz-Client-Context", clientContext);
        }
    }

    private static async Task<(int Status, string Code, string Message)> ReadErrorAsync(HttpResponseMessage response)
    {
        var body = JsonNode.Parse(await response.Content.ReadAsByteArrayAsync(Token))!;
        Assert.False(response.IsSuccessStatusCode);
        var code = response.Headers.GetValues("x-amzn-ErrorType").Single();
        return ((int)response.StatusCode, code, (string)(body["message"] ?? body["Message"])!);
    }
}
