using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace LambdaStreaming.Testing.Tests;

/// <summary>Payloads and client contexts that lenient parsers and the service judge differently.</summary>
public class InvalidRequestTests
{
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
            Assert.StartsWith($"Could not parse request body into json: Invalid UTF-8 {problem}", error.Message);
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

        Assert.StartsWith("Could not parse request body into json: ", error.Message);
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

    private static async Task<(int Status, string Code, string Message)> GetErrorAsync(
        byte[] payload, string? clientContext = null)
    {
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("f"), Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("f", payload, headers =>
        {
            if (clientContext is not null) headers.Add("X-Amz-Client-Context", clientContext);
        });
        var body = await response.Content.ReadAsByteArrayAsync(Token);

        Assert.False(response.IsSuccessStatusCode);
        var code = response.Headers.GetValues("x-amzn-ErrorType").Single();
        return ((int)response.StatusCode, code, (string)JsonNode.Parse(body)!["message"]!);
    }
}
