using System.Text;
using LambdaStreaming.Testing.Http;

namespace LambdaStreaming.Testing.Functions;

/// <summary>An error of a function.</summary>
/// <param name="Code">The error code.</param>
/// <param name="Details">A text, or a JSON object.</param>
internal sealed record FunctionError(string Code, string Details)
{
    /// <summary>Creates the error of an unhandled exception, in the format of runtimes.</summary>
    public static FunctionError FromException(Exception exception)
    {
        var stackTrace = (exception.StackTrace ?? "").Split(
            '\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return Create("Unhandled", exception.GetType().Name, exception.Message, stackTrace);
    }

    /// <summary>Creates an error with details in the format of runtimes.</summary>
    public static FunctionError Create(string code, string type, string message, params string[] stackTrace)
    {
        var details = JsonText.CreateObject(json =>
        {
            json.WriteString("errorMessage", message);
            json.WriteString("errorType", type);
            json.WriteStartArray("stackTrace");
            foreach (var line in stackTrace)
                json.WriteStringValue(line);
            json.WriteEndArray();
        });
        return new(code, Encoding.UTF8.GetString(details));
    }

    /// <summary>Returns the error as the body of a buffered response.</summary>
    /// <returns>The details if they are a JSON object; otherwise, an object with the code and the details.</returns>
    public ReadOnlyMemory<byte> ToJson()
    {
        var details = Encoding.UTF8.GetBytes(Details);
        if (JsonText.IsObject(details)) return details;
        return JsonText.CreateObject(json =>
        {
            json.WriteString("errorType", Code);
            json.WriteString("errorMessage", Details);
        });
    }
}
