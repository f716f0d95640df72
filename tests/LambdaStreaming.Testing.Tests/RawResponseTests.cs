using System.Text.Json.Nodes;

namespace LambdaStreaming.Testing.Tests;

public class RawResponseTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static IEnumerable<TheoryDataRow<string, string>> Cases =>
        from folder in (string[])["responses/streams", "responses/errors"]
        from name in ConformanceData.Names(folder)
        select new TheoryDataRow<string, string>(folder, name.Data);

    [Theory, MemberData(nameof(Cases))]
    public async Task RespondWithRaw_ConformanceCase_ArrivesUnchanged(string folder, string name)
    {
        var expected = ConformanceData.Load(folder, name)["response"]!;
        var headers = expected["headers"]!.AsArray()
            .Select(header => KeyValuePair.Create((string)header![0]!, (string)header[1]!)).ToArray();
        var body = ConformanceData.Bytes(expected["body"]);
        var abort = (string?)expected["end"] == "abort";
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("raw").RespondWithRaw(new RawResponse
            {
                StatusCode = (int)expected["status"]!,
                Headers = headers,
                BodySegments = [body.AsMemory(0, body.Length / 2), body.AsMemory(body.Length / 2)],
                End = abort ? TruncationModes.ResetWithoutLoss : TruncationMode.EndOfBody,
            }),
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("raw");
        await using var stream = await response.Content.ReadAsStreamAsync(Token);
        var received = new MemoryStream();
        var error = await Record.ExceptionAsync(() => stream.CopyToAsync(received, Token));

        Assert.Equal((int)expected["status"]!, (int)response.StatusCode);
        Assert.All(
            headers.GroupBy(header => header.Key, header => header.Value, StringComparer.OrdinalIgnoreCase),
            group => Assert.Equal(group, GetHeader(response, group.Key)));
        Assert.Equal(body, received.ToArray());
        Assert.Equal(abort, error is IOException);
    }

    private static IEnumerable<string> GetHeader(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values : response.Content.Headers.GetValues(name);
}
