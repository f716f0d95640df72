using System.Net;
using System.Text;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Errors;

/// <summary>Escaped property names in JSON of the service are recognized.</summary>
public sealed class EscapedNamesTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"Error\u0043ode":"Unhandled"}""")]
    [InlineData("""{"\u0045rrorCode":"Unhandled"}""")]
    [InlineData("""{"Error\u0044etails":"out of memory"}""")]
    public async Task ReadAsByteArrayAsync_InvokeCompleteHasAnEscapedName_ThrowsFunctionErrorException(string complete)
    {
        byte[] wire = [.. Messages.Chunk("x"), .. Messages.Complete(complete)];
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));

        await Assert.ThrowsAsync<FunctionErrorException>(() => response.ReadAsByteArrayAsync(cancellationToken: Ct));
    }

    [Fact]
    public async Task InvokeComplete_EveryNameEscaped_IsRead()
    {
        var complete = await ReadAsync("""{"Error\u0043ode":"c","Error\u0044etails":"d","Log\u0052esult":"bA=="}""");

        Assert.Equal(("c", "d", "bA=="), (complete.ErrorCode, complete.ErrorDetails, complete.LogResult));
    }

    [Fact]
    public async Task InvokeComplete_NameOccursTwiceAndOneIsEscaped_UsesTheLast()
    {
        var complete = await ReadAsync("""{"ErrorCode":"first","Error\u0043ode":"second"}""");

        Assert.Equal("second", complete.ErrorCode);
    }

    [Fact]
    public async Task LambdaServiceException_EveryNameOfTheBodyEscaped_IsRead()
    {
        const string Code = "ResourceNotFoundException";
        var body = $$"""{"_\u005ftype":"{{Code}}","\u004dessage":"m","\u0054ype":"User","Rea\u0073on":"r"}""";
        var content = Encoding.UTF8.GetBytes(body);
        using var client = StubbedClient.Create(_ =>
            StubbedClient.CreateResponse(new MemoryStream(content), HttpStatusCode.NotFound, ("x", "y")));

        var call = client.InvokeWithResponseStreamAsync(new("f"), Ct);
        var exception = await Assert.ThrowsAsync<ResourceNotFoundException>(() => call);

        Assert.Equal(("m", "User"), (exception.ServiceMessage, exception.ServiceErrorType));
        Assert.Equal("r", exception.Fields["Reason"]);
    }

    [Fact]
    public void FunctionErrorException_EveryNameOfTheDetailsEscaped_IsRead()
    {
        var details = """{"error\u0054ype":"RangeError","error\u004dessage":"m","stack\u0054race":["a"]}""";

        var complete = new InvokeComplete { ErrorCode = "Unhandled", ErrorDetails = details };
        var exception = new FunctionErrorException("x", complete);

        Assert.Equal(("RangeError", "m"), (exception.FunctionErrorType, exception.FunctionErrorMessage));
        Assert.Equal(["a"], exception.FunctionStackTrace);
    }

    private static async Task<InvokeComplete> ReadAsync(string json)
    {
        var response = InvokeWithResponseStreamResponse.Create(
            new MemoryStream(Messages.Complete(json)),
            new ResponseStreamMetadata { ThrowOnFunctionError = false });
        await using (response)
        {
            await foreach (var item in response)
            {
                if (item.InvokeComplete is { } complete) return complete;
            }
        }

        throw new InvalidOperationException("The response has no InvokeComplete.");
    }
}
